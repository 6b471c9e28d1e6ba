package rpc

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/jobs"
)

// Lists are told in pages. A page begins after a place in the list, and not at a number:
// what comes to the list or goes from it meanwhile has nothing told twice or left out.

const (
	usualPage = 100
	maxPage   = 1000
	// maxPageBytes is where a page ends before it is full: what owners write into jobs may
	// be large. A page has one thing at least.
	maxPageBytes = 1 << 20
)

// place is where a thing stands in its list: the later first, and those of one time in the
// order of their ids.
type place struct {
	At jobs.Time `json:"at,omitempty"`
	ID string    `json:"id"`
}

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(b.At, a.At), strings.Compare(a.ID, b.ID))
}

// listRequest asks for a page of a list.
type listRequest interface {
	proto.Message
	GetPageSize() uint32
	GetPageToken() string
}

// page is what is asked for of a list.
type page struct {
	size     int
	after    *place // nil: from the beginning
	question []byte // a hash of what is asked, but for the page
}

// pageToken says where a page ended, and to which question. It gives no rights: what the
// caller may see is looked at anew for each page.
type pageToken struct {
	After    place  `json:"after"`
	Question []byte `json:"question"`
}

// pageOf reads which page is asked for.
func pageOf(req listRequest) (page, error) {
	p := page{size: int(min(cmp.Or(req.GetPageSize(), usualPage), maxPage)), question: questionOf(req)}
	if req.GetPageToken() == "" {
		return p, nil
	}
	var t pageToken
	text, err := base64.RawURLEncoding.DecodeString(req.GetPageToken())
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err != nil || !slices.Equal(t.Question, p.question) {
		return p, jobs.InvalidField("page_token", "it is not one that this question was answered with")
	}
	p.after = &t.After
	return p, nil
}

func questionOf(req listRequest) []byte {
	plain := proto.Clone(req)
	fields := plain.ProtoReflect().Descriptor().Fields()
	plain.ProtoReflect().Clear(fields.ByName("page_size"))
	plain.ProtoReflect().Clear(fields.ByName("page_token"))
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(plain)
	if err != nil {
		panic("rpc: a request that was just read: " + err.Error())
	}
	hash := sha256.Sum256(append([]byte(fields.ByName("page_token").FullName()), text...))
	return hash[:8]
}

func (p page) token(last place) string {
	text, err := json.Marshal(pageToken{After: last, Question: p.question})
	if err != nil {
		panic("rpc: write page token: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// cut is a page of a list, and the token of the next one.
func cut[M proto.Message](p page, list []place, view func(place) M) (told []M, next string) {
	slices.SortFunc(list, comparePlaces)
	if p.after != nil {
		at, found := slices.BinarySearchFunc(list, *p.after, comparePlaces)
		if found {
			at++
		}
		list = list[at:]
	}
	size := 0
	for i, at := range list {
		if i == p.size {
			return told, p.token(list[i-1])
		}
		m := view(at)
		if size += proto.Size(m); i > 0 && size > maxPageBytes {
			return told, p.token(list[i-1])
		}
		told = append(told, m)
	}
	return told, ""
}

// hasName says whether a name is wanted that has a part in it, in capitals or not.
func hasName(name, part string) bool {
	return strings.Contains(strings.ToLower(name), strings.ToLower(part))
}
