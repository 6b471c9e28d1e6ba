package jsonapi

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Marshal is the message on one line, with the ids of blobs in hex as everywhere
// else, where protojson has base64. protojson adds spaces at random, so that nobody
// relies on its bytes; here scripts may.
func Marshal(m proto.Message) ([]byte, error) {
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
	line := stable.String()
	if len(ids) > 0 {
		line = strings.NewReplacer(ids...).Replace(line)
	}
	return EscapeUnseen(line), nil
}

// EscapeUnseen writes what a terminal might obey as JSON's \u escapes: the value
// stays the same. JSON itself escapes less, C0 alone.
func EscapeUnseen(line string) []byte {
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

// unmarshal reads a request, in which the ids of blobs may be written as people know them.
func unmarshal(text []byte, m proto.Message) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	if err := protojson.Unmarshal(text, m); err != nil {
		return err
	}
	return protorange.Range(m.ProtoReflect(), func(v protopath.Values) error {
		if message, ok := v.Index(-1).Value.Interface().(protoreflect.Message); ok {
			readHexIDs(message)
		}
		return nil
	})
}

// readHexIDs puts ids into bytes that were written in hex: protojson has taken the 64 digits
// for base64, which no id of 32 bytes comes to.
func readHexIDs(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Kind() != protoreflect.BytesKind || field.IsMap() {
			return true
		}
		if !field.IsList() {
			if id, ok := fromHex(value.Bytes()); ok {
				m.Set(field, protoreflect.ValueOfBytes(id))
			}
			return true
		}
		for i := range value.List().Len() {
			if id, ok := fromHex(value.List().Get(i).Bytes()); ok {
				value.List().Set(i, protoreflect.ValueOfBytes(id))
			}
		}
		return true
	})
}

func fromHex(taken []byte) (id []byte, ok bool) {
	if len(taken) != 48 {
		return nil, false
	}
	id, err := hex.DecodeString(base64.StdEncoding.EncodeToString(taken))
	return id, err == nil
}
