package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/internal/jsonapi"
)

// format is how a command prints data.
type format string

const (
	formatTable format = "table"
	formatJSON  format = "json"
)

func (f *format) Set(s string) error {
	switch format(s) {
	case formatTable, formatJSON:
		*f = format(s)
		return nil
	}
	return fmt.Errorf("want table or json")
}

func (f *format) String() string { return string(*f) }

func (f *format) Type() string { return "format" }

func addFormatFlag(cmd *cobra.Command, f *format) {
	cmd.Flags().VarP(f, "output", "o", "table or json")
}

// writeJSONLines writes one object a line.
func writeJSONLines[M proto.Message](w io.Writer, messages []M) error {
	for _, m := range messages {
		line, err := jsonapi.Marshal(m)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// writeList writes what a command lists.
func writeList[M proto.Message](cmd *cobra.Command, output format, list []M, write func(io.Writer, []M) error) error {
	if output == formatJSON {
		return writeJSONLines(cmd.OutOrStdout(), list)
	}
	return write(cmd.OutOrStdout(), list)
}

// writeJSON writes one object over several lines.
func writeJSON(w io.Writer, m proto.Message) error {
	line, err := jsonapi.Marshal(m)
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, line, "", "  "); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	indented.WriteByte('\n')
	_, err = indented.WriteTo(w)
	return err
}

// writeTable writes columns that are two spaces apart, and no lines.
func writeTable(w io.Writer, header table.Row, rows []table.Row) error {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	t.AppendHeader(header)
	t.AppendRows(rows)
	_, err := io.WriteString(w, t.Render()+"\n")
	return err
}

// writeFields writes a name and a value a line; those without value are left
// out, and further lines of a value stand below its first.
func writeFields(w io.Writer, fields [][2]string) error {
	var b strings.Builder
	for _, field := range fields {
		if field[1] != "" {
			fmt.Fprintf(&b, "%-11s%s\n", field[0], setApart(field[1], strings.Repeat(" ", 11)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
