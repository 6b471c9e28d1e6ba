package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/problem"
)

// tokenVariable is where a token may be that must not be on the command line.
const tokenVariable = "ANTHILL_TOKEN"

// maxTokenText bounds what is read for a token.
const maxTokenText = 64 << 10

// joinToken is where the token of a node that starts comes from. The command line is
// the one place where every user of the machine can read it, and the shell's history
// keeps it, so there are others.
type joinToken struct {
	token, file string
}

func (j *joinToken) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&j.token, "join", "", "`token` of the grid to join; - reads it from standard input (default $"+tokenVariable+")")
	cmd.Flags().StringVar(&j.file, "join-file", "", "`file` with the token of the grid to join")
	cmd.MarkFlagsMutuallyExclusive("join", "join-file")
}

// read is the token, or "" where there is none. Nobody finds it on the command line
// from then on.
func (j *joinToken) read(stdin io.Reader) (string, error) {
	switch {
	case j.file != "":
		file, err := os.Open(j.file)
		if err != nil {
			return "", problem.Invalid("name a file that can be read", "--join-file: %w", err)
		}
		defer file.Close()
		return readToken(file, "--join-file "+j.file)
	case j.token == "-":
		return readToken(stdin, "--join -")
	case j.token != "":
		token := strings.Clone(j.token)
		hideArguments(token)
		return token, nil
	}
	return os.Getenv(tokenVariable), nil
}

// readToken reads the first line that has something.
func readToken(r io.Reader, name string) (string, error) {
	lines := bufio.NewScanner(io.LimitReader(r, maxTokenText))
	lines.Buffer(nil, maxTokenText)
	for lines.Scan() {
		if token := strings.TrimSpace(lines.Text()); token != "" {
			return token, nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return "", problem.Invalid("write the token into it, on one line", "%s: there is no token", name)
}
