package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"nougat/internal/need"
)

// cmdClient gives the rest of a script a real client, in a world of its own:
// no cache, package folder or configuration of the machine is used.
//
//	client dotnet
//		The .NET SDK: exec dotnet.
//	client paket
//		Paket, and the SDK it runs on: exec paket.
//	client nuget
//		NuGet's own command line on mono: exec mono $NUGET.
func cmdClient(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: client dotnet|paket|nuget")
	}
	tb := scriptTB{ts: ts}
	if testing.Short() {
		tb.Skipf("real clients take their time: not with -short")
	}
	home := ts.MkAbs("home")
	ts.Check(os.MkdirAll(home, 0o700))
	for name, value := range map[string]string{
		"HOME": home, "DOTNET_CLI_HOME": home, "XDG_DATA_HOME": filepath.Join(home, "data"), "XDG_CONFIG_HOME": filepath.Join(home, "config"),
		"NUGET_PACKAGES": ts.MkAbs("packages"), "NUGET_HTTP_CACHE_PATH": ts.MkAbs("http-cache"), "NUGET_CERT_REVOCATION_MODE": "offline",
		"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_NOLOGO": "1",
		"DOTNET_SKIP_FIRST_TIME_EXPERIENCE": "1", "DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE": "true",
		"DOTNET_GENERATE_ASPNET_CERTIFICATE": "false", "DOTNET_ROLL_FORWARD": "Major", "MSBUILDDISABLENODEREUSE": "1",
		"DOTNET_CLI_USE_MSBUILD_SERVER": "0", "LANG": "C.UTF-8",
	} {
		ts.Setenv(name, value)
	}
	switch args[0] {
	case "dotnet":
		needSDK(ts, tb)
	case "paket":
		needSDK(ts, tb)
		need.Tool(tb, "paket", "paket")
	case "nuget":
		need.Tool(tb, "mono", "mono")
		found, err := filepath.Glob(need.Shared(tb, "dotnet", "tools", "nuget-*.exe"))
		ts.Check(err)
		if len(found) == 0 {
			need.Missing(tb, "mono", "nuget.exe is not there to run on it")
		}
		ts.Setenv("NUGET", found[0])
	default:
		ts.Fatalf("no client is called %s", args[0])
	}
}

// needSDK finds the SDK and tells programs that are made with it where it is.
func needSDK(ts *testscript.TestScript, tb scriptTB) {
	need.Tool(tb, "dotnet", "dotnet")
	path, err := exec.LookPath("dotnet")
	ts.Check(err)
	path, err = filepath.EvalSymlinks(path)
	ts.Check(err)
	ts.Setenv("DOTNET_ROOT", filepath.Dir(path))
}

// cmdSources writes a nuget.config in which the named addresses are the only
// sources, plain HTTP allowed.
//
//	sources FOLDER NAME=URL[,USER,PASSWORD]...
func cmdSources(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: sources FOLDER NAME=URL[,USER,PASSWORD]...")
	}
	var sources, credentials strings.Builder
	for _, a := range args[1:] {
		name, rest, _ := strings.Cut(a, "=")
		parts := strings.Split(rest, ",")
		fmt.Fprintf(&sources, "    <add key=%q value=%q protocolVersion=\"3\" allowInsecureConnections=\"true\" />\n", name, parts[0])
		if len(parts) == 3 {
			fmt.Fprintf(&credentials, "    <%s><add key=\"Username\" value=%q /><add key=\"ClearTextPassword\" value=%q /></%s>\n", name, parts[1], parts[2], name)
		}
	}
	text := "<configuration>\n  <packageSources>\n    <clear />\n" + sources.String() + "  </packageSources>\n"
	if credentials.Len() > 0 {
		text += "  <packageSourceCredentials>\n" + credentials.String() + "  </packageSourceCredentials>\n"
	}
	folder := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(folder, 0o700))
	ts.Check(os.WriteFile(filepath.Join(folder, "nuget.config"), []byte(text+"</configuration>\n"), 0o600))
}
