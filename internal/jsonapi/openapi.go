package jsonapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// object is a JSON object whose keys come out sorted.
type object = map[string]any

// Document is the OpenAPI description of the API, made from the descriptors and the comments
// of the .proto files: there is nothing to keep in step.
var Document = sync.OnceValue(func() []byte {
	d := describer{schemas: object{}, comments: readComments()}
	paths := object{}
	for _, path := range slices.Sorted(maps.Keys(methods)) {
		paths[path] = object{"post": d.operation(methods[path])}
	}
	d.schemas["google.rpc.Status"] = statusSchema
	text, err := json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Anthill", "version": "v1",
			"description": "The grid's API as JSON over HTTP. Each call is a POST of a JSON object. A call that answers with a stream gives one line of JSON a message, {\"result\": ...}, and {\"error\": ...} as the last line if it broke off.",
		},
		"paths":      paths,
		"components": object{"schemas": d.schemas, "securitySchemes": object{"key": object{"type": "http", "scheme": "bearer"}}},
		"security":   []any{object{"key": []string{}}},
	}, "", "  ")
	if err != nil {
		panic("jsonapi: the OpenAPI document: " + err.Error()) // it is of maps and strings alone
	}
	return append(text, '\n')
})

// ServeDocument answers with the OpenAPI document.
func ServeDocument(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(Document()) // who asked may have left
}

var statusSchema = object{
	"type": "object", "description": "Why a call failed: code is a google.rpc.Code; a LocalizedMessage among the details says what to do next.",
	"properties": object{
		"code": object{"type": "integer"}, "message": object{"type": "string"},
		"details": object{"type": "array", "items": object{"type": "object"}},
	},
}

// describer collects the messages that calls mention.
type describer struct {
	schemas  object
	comments map[string]string
}

func (d *describer) operation(m protoreflect.MethodDescriptor) object {
	answer, kind := d.message(m.Output()), "application/json"
	if m.IsStreamingServer() {
		kind = "application/x-ndjson"
		answer = object{"type": "object", "properties": object{"result": answer, "error": ref("google.rpc.Status")}}
	}
	return object{
		"operationId": string(m.Parent().Name()) + "." + string(m.Name()),
		"tags":        []string{string(m.Parent().Name())},
		"description": d.comments[string(m.FullName())],
		"requestBody": object{"required": true, "content": object{"application/json": object{"schema": d.message(m.Input())}}},
		"responses": object{
			"200":     object{"description": "the answer", "content": object{kind: object{"schema": answer}}},
			"default": object{"description": "an error", "content": object{"application/json": object{"schema": ref("google.rpc.Status")}}},
		},
	}
}

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }

// wellKnown are messages that JSON has a value of its own for.
var wellKnown = map[protoreflect.FullName]object{
	"google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
	"google.protobuf.Duration":  {"type": "string", "description": "seconds, such as 1.5s"},
}

func (d *describer) message(m protoreflect.MessageDescriptor) object {
	if known := wellKnown[m.FullName()]; known != nil {
		return known
	}
	name := string(m.FullName())
	if d.schemas[name] != nil {
		return ref(name)
	}
	properties := object{}
	schema := object{"type": "object", "properties": properties}
	d.schemas[name] = schema // before the fields: messages may hold each other
	d.describe(schema, name)
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		field := maps.Clone(d.field(f))
		d.describe(field, string(f.FullName()))
		properties[string(f.Name())] = field
	}
	return ref(name)
}

func (d *describer) describe(schema object, name string) {
	if say := d.comments[name]; say != "" {
		schema["description"] = say
	}
}

func (d *describer) field(f protoreflect.FieldDescriptor) object {
	switch {
	case f.IsMap():
		return object{"type": "object", "additionalProperties": d.value(f.MapValue())}
	case f.IsList():
		return object{"type": "array", "items": d.value(f)}
	}
	return d.value(f)
}

func (d *describer) value(f protoreflect.FieldDescriptor) object {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return object{"type": "boolean"}
	case protoreflect.StringKind:
		return object{"type": "string"}
	case protoreflect.BytesKind:
		return object{"type": "string", "format": "byte"}
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		return object{"type": "number"}
	case protoreflect.EnumKind:
		return d.enum(f.Enum())
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return d.message(f.Message())
	case protoreflect.Int64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return object{"type": "string", "format": "int64"}
	}
	return object{"type": "integer"}
}

func (d *describer) enum(e protoreflect.EnumDescriptor) object {
	name := string(e.FullName())
	if d.schemas[name] == nil {
		var values []string
		for i := range e.Values().Len() {
			values = append(values, string(e.Values().Get(i).Name()))
		}
		schema := object{"type": "string", "enum": values}
		d.describe(schema, name)
		d.schemas[name] = schema
	}
	return ref(name)
}
