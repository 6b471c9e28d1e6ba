package blob

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

func TestIDText(t *testing.T) {
	id := Of([]byte("hello")).ID()
	back, err := ParseID(id.String())
	if err != nil || back != id {
		t.Fatalf("ParseID(%s) = %s, %v", id, back, err)
	}
	text, err := json.Marshal(map[ID]ID{id: id})
	if err != nil || strings.Count(string(text), id.String()) != 2 {
		t.Fatalf("as JSON: %s, %v", text, err)
	}
	var decoded map[ID]ID
	if err := json.Unmarshal(text, &decoded); err != nil || decoded[id] != id {
		t.Fatalf("from JSON: %v, %v", decoded, err)
	}
}

func TestIDRefusesOtherText(t *testing.T) {
	good := Of(nil).ID().String()
	for _, s := range []string{"", "ab", good[1:], good + "0", "zz" + good[2:]} {
		var id ID
		if err := id.UnmarshalText([]byte(s)); !errors.Is(err, ErrInvalid) || !id.IsZero() {
			t.Errorf("%q: got %s, %v", s, id, err)
		}
	}
}

func TestIDBinary(t *testing.T) {
	id := Of([]byte("hello")).ID()
	back, err := IDFrom(id[:])
	if err != nil || back != id {
		t.Fatalf("IDFrom = %s, %v", back, err)
	}
	if err := back.UnmarshalBinary(id[:31]); !errors.Is(err, ErrInvalid) {
		t.Fatalf("31 bytes: %v", err)
	}
}

func TestRefIsByteStringInCBOR(t *testing.T) {
	ref := Of([]byte("hello")).Ref()
	b, err := cbor.Marshal(ref)
	if err != nil {
		t.Fatal(err)
	}
	// map of 2, key 1, byte string of 32 (2 bytes), 32 bytes, key 2, the size 5
	if want := 1 + 1 + 2 + 32 + 1 + 1; len(b) != want {
		t.Errorf("encoded in %d bytes, want %d", len(b), want)
	}
	var back Ref
	if err := cbor.Unmarshal(b, &back); err != nil || back != ref {
		t.Errorf("decoded %v, %v, want %v", back, err, ref)
	}
}
