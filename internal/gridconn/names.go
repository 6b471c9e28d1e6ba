package gridconn

import (
	"fmt"
	"sync"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

// nameFields are the fields of requests that hold the names of things, in whatever
// message they are. People read them later, where a terminal may obey what cannot be
// seen, and where two names that look alike should be one.
var nameFields = map[protoreflect.Name]bool{
	"owner": true, "name": true, "job_id": true, "id": true, "retry_of": true, "token": true, "node_id": true, "with": true,
	"label": true,
}

// maxNesting bounds how deep names are looked for; nothing has any below it.
const maxNesting = 4

// CheckNames refuses a request in which a name is no text or has what cannot be seen. Both
// ends ask it: the command before anything is sent, by the field's name, and coordinators
// since others may send what they like.
func CheckNames(req any) error {
	m, ok := req.(proto.Message)
	if !ok {
		return nil
	}
	return checkNames(m.ProtoReflect(), "")
}

func checkNames(m protoreflect.Message, prefix string) error {
	for _, f := range namesIn(m.Descriptor()) {
		path := prefix + string(f.Name())
		switch {
		case !m.Has(f):
		case f.Message() != nil && f.IsList():
			for i := range m.Get(f).List().Len() {
				if err := checkNames(m.Get(f).List().Get(i).Message(), path+"."); err != nil {
					return err
				}
			}
		case f.Message() != nil:
			if err := checkNames(m.Get(f).Message(), path+"."); err != nil {
				return err
			}
		default:
			if err := checkName(path, m.Get(f).String()); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkName(field, name string) error {
	if jobs.IsPlain(name) {
		return nil
	}
	cause := "it has bytes that are not UTF-8"
	for _, r := range name {
		if r != utf8.RuneError && !jobs.IsPlain(string(r)) {
			cause = fmt.Sprintf("it has a character that cannot be seen, %U", r)
			break
		}
	}
	return problem.ToStatus(codes.InvalidArgument, field+": "+cause, "INVALID_FIELD", field, "give a name on one line that can be read")
}

var knownNames sync.Map // of protoreflect.FullName: namesIn

// namesIn are the fields of a kind of message that are names, or lead to some. Most kinds
// have none, and cost nothing.
func namesIn(d protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	if known, ok := knownNames.Load(d.FullName()); ok {
		return known.([]protoreflect.FieldDescriptor)
	}
	fields := findNames(d, maxNesting)
	knownNames.Store(d.FullName(), fields)
	return fields
}

func findNames(d protoreflect.MessageDescriptor, depth int) (list []protoreflect.FieldDescriptor) {
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		leads := f.Message() != nil && !f.IsMap() && depth > 0 && len(findNames(f.Message(), depth-1)) > 0
		if leads || f.Kind() == protoreflect.StringKind && !f.IsList() && nameFields[f.Name()] {
			list = append(list, f)
		}
	}
	return list
}
