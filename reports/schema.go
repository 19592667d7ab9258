package reports

import (
	"reflect"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// SchemaID names the JSON Schema of result.json.
const SchemaID = "urn:flakehunt:result:1"

// ResultSchema gives the JSON Schema (draft 2020-12) of result.json, as the types
// are that it is written from. schema/result.schema.json is what it gave.
func ResultSchema() map[string]any {
	s := &schemaMaker{defs: map[string]any{}}
	root := s.of(reflect.TypeFor[harness.Result]())
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SchemaID, "title": "flakehunt result.json",
		"description": "What one run found. Durations are texts such as \"1.5ms\", with the same in nanoseconds under name_ns. Readers must bear fields that they do not know.",
		"$ref":        root["$ref"], "$defs": s.defs,
	}
}

type schemaMaker struct{ defs map[string]any }

func (s *schemaMaker) of(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == durationType:
		return map[string]any{"type": "string", "pattern": `^-?([0-9.]+(ns|µs|us|ms|s|m|h))+$|^0s$`}
	case t.Kind() == reflect.Pointer:
		return s.of(t.Elem())
	case t.Implements(textMarshaler) || t.Implements(jsonMarshaler):
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Struct:
		return s.object(t)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.String:
		return map[string]any{"type": "string"}
	}
	return map[string]any{"type": "integer"}
}

func (s *schemaMaker) object(t reflect.Type) map[string]any {
	ref := map[string]any{"$ref": "#/$defs/" + t.Name()}
	if _, done := s.defs[t.Name()]; done {
		return ref
	}
	properties, required := map[string]any{}, []string{}
	s.defs[t.Name()] = nil // it may hold itself
	for _, f := range fieldsOf(t) {
		p := s.of(f.typ)
		if f.asText {
			p = map[string]any{"type": "string", "pattern": "^[0-9]+$"}
		}
		properties[f.name] = p
		if !f.omit && f.typ.Kind() != reflect.Pointer {
			required = append(required, f.name)
		}
		if f.nanos {
			properties[f.name+"_ns"] = map[string]any{"type": "integer"}
		}
	}
	s.defs[t.Name()] = map[string]any{"type": "object", "properties": properties, "required": required}
	return ref
}
