package search

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"nougat/gallery"
)

var update = flag.Bool("update", false, "write the golden files anew")

// rankingQueries are the queries that the ranking is judged by. What must come
// first, or among the first three, is said here, where -update does not reach;
// the whole order is in testdata/ranking/ranking.golden, to be looked at when
// it changes.
var rankingQueries = []struct {
	query gallery.Query
	first string // the first hit
	top3  string // among the first three, in any order, separated by blanks
	total int    // hits in all, where that is the point; 0: not looked at, -1: none
}{
	// Exact IDs come first, whatever is downloaded more.
	{query: gallery.Query{Text: "Newtonsoft.Json"}, first: "Newtonsoft.Json", top3: "Newtonsoft.Json.Bson Newtonsoft.Json.Schema"},
	{query: gallery.Query{Text: "newtonsoft.json.schema"}, first: "Newtonsoft.Json.Schema"},
	{query: gallery.Query{Text: "serilog"}, first: "Serilog", top3: "Serilog.Sinks.Console Serilog.Sinks.File"},
	{query: gallery.Query{Text: "xunit"}, first: "xunit", top3: "xunit.runner.visualstudio"},
	{query: gallery.Query{Text: "nunit"}, first: "NUnit"},
	{query: gallery.Query{Text: "moq"}, first: "Moq", top3: "Moq.AutoMock"},
	{query: gallery.Query{Text: "Unity"}, first: "Unity"},
	{query: gallery.Query{Text: "EntityFramework"}, first: "EntityFramework"},
	{query: gallery.Query{Text: "dapper"}, first: "Dapper"},
	{query: gallery.Query{Text: "Contoso.Json"}, first: "Contoso.Json"},
	{query: gallery.Query{Text: "libsodium"}, first: "libsodium", total: 1},
	{query: gallery.Query{Text: "protobuf-net"}, first: "protobuf-net"},
	{query: gallery.Query{Text: "MediatR"}, first: "MediatR", top3: "MediatR.Contracts"},
	{query: gallery.Query{Text: "graphql"}, first: "GraphQL", top3: "HotChocolate.AspNetCore"},

	// The beginning of an ID, with a separator.
	{query: gallery.Query{Text: "Serilog.Sinks.F"}, first: "Serilog.Sinks.File"},
	{query: gallery.Query{Text: "serilog.sinks."}, top3: "Serilog.Sinks.File Serilog.Sinks.Console"},
	{query: gallery.Query{Text: "microsoft.extensions.log"}, first: "Microsoft.Extensions.Logging", top3: "Microsoft.Extensions.Logging.Abstractions Microsoft.Extensions.Logging.Console"},
	{query: gallery.Query{Text: "contoso.bil"}, first: "Contoso.Billing.Client", top3: "Contoso.Billing.Contracts Contoso.Billing.Domain", total: 3},
	{query: gallery.Query{Text: "dotnet-"}, first: "dotnet-ef"},
	{query: gallery.Query{Text: "System.IO."}, first: "System.IO.Pipelines"},

	// Words that are still being typed.
	{query: gallery.Query{Text: "newton"}, first: "Newtonsoft.Json"},
	{query: gallery.Query{Text: "seril"}, first: "Serilog"},
	{query: gallery.Query{Text: "autom"}, first: "AutoMapper"},
	{query: gallery.Query{Text: "fluentval"}, first: "FluentValidation", top3: "FluentValidation.AspNetCore FluentValidation.DependencyInjectionExtensions"},
	{query: gallery.Query{Text: "swash"}, first: "Swashbuckle.AspNetCore"},

	// Words.
	{query: gallery.Query{Text: "json"}, first: "Newtonsoft.Json", top3: "System.Text.Json"},
	{query: gallery.Query{Text: "logging"}, top3: "Microsoft.Extensions.Logging Serilog.Extensions.Logging"},
	{query: gallery.Query{Text: "redis"}, first: "StackExchange.Redis"},
	{query: gallery.Query{Text: "mock"}, top3: "Moq"},
	{query: gallery.Query{Text: "excel"}, top3: "EPPlus ClosedXML"},
	{query: gallery.Query{Text: "pdf"}, top3: "PdfSharp QuestPDF"},
	{query: gallery.Query{Text: "csv"}, first: "CsvHelper"},
	{query: gallery.Query{Text: "email"}, top3: "AWSSDK.SimpleEmail"},
	{query: gallery.Query{Text: "smtp"}, first: "MailKit"},
	{query: gallery.Query{Text: "kafka"}, first: "Confluent.Kafka", top3: "Serilog.Sinks.Kafka"},
	{query: gallery.Query{Text: "rabbitmq"}, first: "RabbitMQ.Client"},
	{query: gallery.Query{Text: "postgres"}, top3: "Npgsql"},
	{query: gallery.Query{Text: "jwt"}, top3: "System.IdentityModel.Tokens.Jwt Microsoft.AspNetCore.Authentication.JwtBearer"},
	{query: gallery.Query{Text: "markdown"}, first: "Markdig"},
	{query: gallery.Query{Text: "blazor"}, top3: "Microsoft.AspNetCore.Components.Web"},
	{query: gallery.Query{Text: "scheduler"}, top3: "Quartz Hangfire"},
	{query: gallery.Query{Text: "s3"}, first: "AWSSDK.S3"},
	{query: gallery.Query{Text: "qwertzuiop"}, total: -1},

	// Several words, camel case, parts.
	{query: gallery.Query{Text: "serilog file"}, first: "Serilog.Sinks.File"},
	{query: gallery.Query{Text: "serilog elastic"}, top3: "Serilog.Sinks.Elasticsearch Serilog.Formatting.Elasticsearch"},
	{query: gallery.Query{Text: "entity framework"}, top3: "EntityFramework Microsoft.EntityFrameworkCore"},
	{query: gallery.Query{Text: "entityframeworkcore sqlite"}, first: "Microsoft.EntityFrameworkCore.Sqlite"},
	{query: gallery.Query{Text: "ServiceBus"}, top3: "Azure.Messaging.ServiceBus Microsoft.Azure.ServiceBus"},
	{query: gallery.Query{Text: "dependency injection"}, top3: "Microsoft.Extensions.DependencyInjection Microsoft.Extensions.DependencyInjection.Abstractions"},
	{query: gallery.Query{Text: "command line parser"}, first: "CommandLineParser"},
	{query: gallery.Query{Text: "azure blob storage"}, first: "Azure.Storage.Blobs"},
	{query: gallery.Query{Text: "http client rest"}, top3: "RestSharp Refit"},
	{query: gallery.Query{Text: "contoso messaging"}, first: "Contoso.Messaging"},
	{query: gallery.Query{Text: "contoso client orders"}, first: "Contoso.Orders.Client"},
	{query: gallery.Query{Text: "json AND schema"}, first: "Newtonsoft.Json.Schema", top3: "JsonSchema.Net"},

	// Fields and phrases.
	{query: gallery.Query{Text: "id:json"}, first: "Newtonsoft.Json", top3: "System.Text.Json"},
	{query: gallery.Query{Text: "packageid:serilog"}, first: "Serilog", total: 1},
	{query: gallery.Query{Text: "tags:excel"}, first: "DocumentFormat.OpenXml", top3: "EPPlus ClosedXML"},
	{query: gallery.Query{Text: `author:"Jimmy B."`}, first: "AutoMapper", total: 4},
	{query: gallery.Query{Text: "owner:contoso logging"}, first: "Contoso.Logging", top3: "Contoso.Logging.AspNetCore"},
	{query: gallery.Query{Text: `"circuit breaker"`}, top3: "Polly Microsoft.Extensions.Http.Resilience"},
	{query: gallery.Query{Text: `description:"source generator"`}, top3: "Riok.Mapperly"},
	{query: gallery.Query{Text: "title:json.net"}, first: "Newtonsoft.Json"},
	{query: gallery.Query{Text: "version:13.0.3"}, first: "Newtonsoft.Json", total: 1},

	// Filters, views and other orders.
	{query: gallery.Query{PackageType: "DotnetTool"}, first: "dotnet-ef", total: 13},
	{query: gallery.Query{Text: "coverage", PackageType: "dotnettool"}, first: "dotnet-reportgenerator-globaltool"},
	{query: gallery.Query{PackageType: "Template"}, first: "Avalonia.Templates", total: 4},
	{query: gallery.Query{Text: "saga"}, first: "MassTransit"},
	{query: gallery.Query{Text: "contoso saga"}, total: -1},
	{query: gallery.Query{Text: "contoso saga", Filter: everything}, first: "Contoso.Experimental.Saga", total: 1},
	{query: gallery.Query{Text: "json", Sort: gallery.ByDownloads}, first: "Newtonsoft.Json", top3: "System.Text.Json"},
	{query: gallery.Query{Text: "contoso", Sort: gallery.ByRecent}},
	{query: gallery.Query{}, first: "Newtonsoft.Json"},
}

const rankingDir = "testdata/ranking/"

// rankingIndex indexes the packages of packages.tsv.
func rankingIndex(t *testing.T) *index {
	data, err := os.ReadFile(rankingDir + "packages.tsv")
	if err != nil {
		t.Fatal(err)
	}
	s := newLogStore()
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cell := strings.Split(strings.TrimRight(line, "\n"), "\t")
		id, version, downloads, published, authors, owner, types, tags, title, description, prerelease := cell[0], cell[1], cell[2], cell[3], cell[4], cell[5], cell[6], cell[7], cell[8], cell[9], cell[10]
		r := testRelease{version: version, title: title, description: description, tags: tags, authors: authors}
		if types != "" {
			r.types = strings.Split(types, ",")
		}
		if r.published, err = time.Parse(time.DateOnly, published); err != nil {
			t.Fatal(err)
		}
		releases := []testRelease{r}
		if prerelease != "" {
			r.version = prerelease
			releases = append(releases, r)
		}
		var owners []gallery.AccountNo
		if owner != "" {
			owners = append(owners, s.accounts[owner])
		}
		n, err := strconv.ParseUint(downloads, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		s.put(gallery.Pushed, cardOf(t, id, owners, releases...))
		s.download(id, version, n)
	}
	if len(s.cards) < 300 {
		t.Fatalf("only %d packages", len(s.cards))
	}
	return testIndex(t, s)
}

func TestRanking(t *testing.T) {
	ix := rankingIndex(t)
	var golden strings.Builder
	for _, c := range rankingQueries {
		q := c.query
		q.Filter.SemVer2 = true
		q.Take = 10
		name := q.Text
		if q.PackageType != "" {
			name += " [type " + q.PackageType + "]"
		}
		if q.Filter.Prerelease {
			name += " [prerelease]"
		}
		name += []string{"", " [by downloads]", " [by recent]"}[q.Sort]
		res := mustSearch(t, ix, q)
		fmt.Fprintf(&golden, "# %s\n%d packages\n", name, res.Total)
		for _, h := range res.Hits {
			fmt.Fprintf(&golden, "%12d %-50s %d\n", h.Score, h.Card.ID, h.Downloads)
		}
		golden.WriteByte('\n')

		ids := idsOf(res.Hits)
		if c.first != "" && (len(ids) == 0 || ids[0] != c.first) {
			t.Errorf("%s: %s must come first: %v", name, c.first, ids)
		}
		for want := range strings.FieldsSeq(c.top3) {
			if !slices.Contains(ids[:min(3, len(ids))], want) {
				t.Errorf("%s: %s must be among the first three: %v", name, want, ids)
			}
		}
		if c.total != 0 && res.Total != max(c.total, 0) {
			t.Errorf("%s: %d packages, want %d: %v", name, res.Total, max(c.total, 0), ids)
		}
	}
	path := rankingDir + "ranking.golden"
	if *update {
		if err := os.WriteFile(path, []byte(golden.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, wanted := strings.Split(golden.String(), "\n\n"), strings.Split(strings.ReplaceAll(string(want), "\r\n", "\n"), "\n\n")
	for i := range max(len(got), len(wanted)) {
		switch {
		case i >= len(got):
			t.Errorf("not asked any more:\n%s", wanted[i])
		case i >= len(wanted):
			t.Errorf("new:\n%s", got[i])
		case got[i] != wanted[i]:
			t.Errorf("the ranking has changed; look at it, then run with -update:\n%s\nwas\n%s", got[i], wanted[i])
		}
	}
}
