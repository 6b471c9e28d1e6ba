package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
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

// protoJSON is the message on one line, with the ids of blobs in hex as everywhere
// else, where protojson has base64. protojson adds spaces at random, so that nobody
// relies on its bytes; here scripts may.
func protoJSON(m proto.Message) ([]byte, error) {
	loose, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	var stable bytes.Buffer
	if err := json.Compact(&stable, loose); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	ids, err := blobIDs(m)
	if err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return escapeUnseen(strings.NewReplacer(ids...).Replace(stable.String())), nil
}

// escapeUnseen writes what a terminal might obey as JSON's \u escapes: the value
// stays the same. JSON itself escapes less, C0 alone.
func escapeUnseen(line string) []byte {
	var b []byte
	for _, r := range line {
		if r == '\n' || jobs.IsPlain(string(r)) {
			b = utf8.AppendRune(b, r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			b = fmt.Appendf(b, "\\u%04x", unit)
		}
	}
	return b
}

// blobIDs lists the ids in the references of a message, as protojson writes them and as
// people know them. Nothing else looks like the first: 32 bytes in base64 end with "=".
func blobIDs(m proto.Message) (pairs []string, err error) {
	err = protorange.Range(m.ProtoReflect(), func(v protopath.Values) error {
		message, ok := v.Index(-1).Value.Interface().(protoreflect.Message)
		if !ok {
			return nil
		}
		if ref, ok := message.Interface().(*anthillv1.BlobRef); ok && len(ref.GetId()) > 0 {
			pairs = append(pairs, `"id":"`+base64.StdEncoding.EncodeToString(ref.GetId())+`"`, `"id":"`+hex.EncodeToString(ref.GetId())+`"`)
		}
		return nil
	})
	return pairs, err
}

// writeJSONLines writes one object a line.
func writeJSONLines[M proto.Message](w io.Writer, messages []M) error {
	for _, m := range messages {
		line, err := protoJSON(m)
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
	line, err := protoJSON(m)
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
