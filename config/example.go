package config

import (
	"fmt"
	"reflect"
	"strings"
)

// example returns config.example.toml: every key with its meaning and its
// default, commented out. A test keeps the file equal to it.
func example() string {
	var b strings.Builder
	b.WriteString(`# Configuration of nougat. Every line that is commented out shows the default.
#
# nougat reads the file that --config names, else the one that NOUGAT_CONFIG
# names, else config.toml in the working directory, if it is there. The key
# publish.max_bytes can also be set as NOUGAT_PUBLISH_MAX_BYTES in the
# environment and as --publish-max-bytes on the command line, which win in that
# order. "nougat config" prints what is in force, and whence.
`)
	c, table := defaults(), ""
	for _, k := range Keys() {
		t, name, ok := strings.Cut(k.Name, ".")
		if !ok {
			t, name = "", k.Name
		}
		if t == "" && table != "" {
			panic("config.go: the key " + k.Name + " would fall into the table [" + table + "]; move it before the tables")
		}
		if t != table {
			fmt.Fprintf(&b, "\n[%s]\n", t)
			table = t
		}
		fmt.Fprintf(&b, "\n%s#%s = %s\n", comment(k.help), name, c.tomlText(k))
	}
	b.WriteString(`
# The feed main is always there, at the root of the site. More feeds have tables
# of their own, and a table named main changes the settings of that feed. Feeds
# can be set in this file only.
#
#[[feeds]]
`)
	t := reflect.TypeFor[Feed]()
	examples := map[string]string{"name": `"ci"`, "kind": `"test"`, "read": `"signed-in"`, "max_bytes": "52428800", "replace": "true"}
	for i := range t.NumField() {
		f := t.Field(i)
		if example, ok := examples[f.Tag.Get("toml")]; ok {
			fmt.Fprintf(&b, "#\n%s#%s = %s\n", comment(f.Tag.Get("help")), f.Tag.Get("toml"), example)
		}
	}
	return b.String()
}

// comment wraps text into lines of at most 78 characters that begin with "# ".
func comment(text string) string {
	var b strings.Builder
	line := "#"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 78 {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
	return b.String()
}
