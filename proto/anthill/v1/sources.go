package anthillv1

import "embed"

//go:embed *.proto
var sources embed.FS

// Sources are the texts of the .proto files, with their comments.
func Sources() []string {
	entries, err := sources.ReadDir(".")
	if err != nil {
		panic("anthillv1: " + err.Error()) // they are in the binary
	}
	var texts []string
	for _, entry := range entries {
		text, err := sources.ReadFile(entry.Name())
		if err != nil {
			panic("anthillv1: " + err.Error())
		}
		texts = append(texts, string(text))
	}
	return texts
}
