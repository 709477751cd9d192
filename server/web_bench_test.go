package server_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkPages draws pages over real packages, without a connection.
func BenchmarkPages(b *testing.B) {
	w := openWebsite(b, nil)
	ann, _ := w.people()
	w.corpus(ann, "serilog.2.10.0", "serilog.3.1.1", "serilog.4.4.0", "newtonsoft.json.13.0.4", "polly.8.5.2", "netstandard.library.2.0.3")
	for _, path := range []string{"/", "/packages?q=log", "/packages/Serilog", "/packages/Serilog?show=versions", "/packages/Serilog?show=frameworks",
		"/packages/Polly", "/packages/NETStandard.Library?show=dependencies", "/connect"} {
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("GET", path, nil)
				r.Host = w.url[len("http://"):]
				answer := httptest.NewRecorder()
				if w.srv.Handler().ServeHTTP(answer, r); answer.Code != http.StatusOK {
					b.Fatal(answer.Code, answer.Body)
				}
				b.ReportMetric(float64(answer.Body.Len()), "bytes")
			}
		})
	}
}
