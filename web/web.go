// Package web is the page: plain files that a browser reads as they are, without a build
// step and without anything from elsewhere.
package web

import (
	"embed"
	"net/http"
	"path"
	"strings"
)

//go:embed *.html *.css *.svg js/*.js
var files embed.FS

// The pages.
const (
	Grid   = "index.html"  // for a grid's user
	Worker = "worker.html" // for a donor
)

// kinds are the files that there are.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// Serve answers with a file, and with this page where the path is /.
func Serve(w http.ResponseWriter, r *http.Request, page string) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" {
		name = page
	}
	data, err := files.ReadFile(name)
	if kind := kinds[path.Ext(name)]; err == nil && kind != "" {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(data) // who asked may have left
		return
	}
	http.Error(w, "there is no such page", http.StatusNotFound)
}
