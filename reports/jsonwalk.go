package reports

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/flakehunt/flakehunt/harness"
)

// field is a field of a struct as our JSON has it.
type field struct {
	name   string
	index  []int
	omit   bool // when it is zero
	asText bool // a number in quotes
	typ    reflect.Type
	nanos  bool // a duration: beside its text stands name_ns
}

var (
	durationType  = reflect.TypeFor[harness.Duration]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
)

// fieldsOf lists the fields of a struct in order, those of embedded ones in
// their place. A field without a tag goes by its name in snake case.
func fieldsOf(t reflect.Type) (list []field) {
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				list = append(list, inner)
			}
			continue
		}
		if name == "" {
			name = snake(f.Name)
		}
		x := field{name: name, index: []int{i}, typ: f.Type, nanos: f.Type == durationType, asText: strings.Contains(options, "string")}
		x.omit = (strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")) && f.Type.Kind() != reflect.Slice
		list = append(list, x)
	}
	return list
}

// snake writes LastFailure as last_failure.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// writeJSON writes v as encoding/json does, with three differences: a slice is
// an array even when it is empty, beside each duration stands its number of
// nanoseconds under name_ns, and fields without a tag are in snake case.
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	if err := appendJSON(&b, reflect.ValueOf(v)); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b.Bytes(), "", " "); err != nil {
		return fmt.Errorf("indent the JSON: %w", err)
	}
	out.WriteByte('\n')
	_, err := w.Write(out.Bytes())
	return err
}

func appendJSON(b *bytes.Buffer, v reflect.Value) error {
	switch {
	case !v.IsValid():
		b.WriteString("null")
		return nil
	case v.Type().Implements(jsonMarshaler) || v.Type().Implements(textMarshaler):
		return plainJSON(b, v)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("null")
			return nil
		}
		return appendJSON(b, v.Elem())
	case reflect.Slice, reflect.Array:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := appendJSON(b, v.Index(i)); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case reflect.Struct:
		return appendStruct(b, v)
	case reflect.Map:
		return appendMap(b, v)
	}
	return plainJSON(b, v)
}

// plainJSON leaves a value to encoding/json.
func plainJSON(b *bytes.Buffer, v reflect.Value) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v.Interface()); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // its line end
	return nil
}

func appendStruct(b *bytes.Buffer, v reflect.Value) error {
	b.WriteByte('{')
	first := true
	key := func(name string) {
		if !first {
			b.WriteByte(',')
		}
		first = false
		fmt.Fprintf(b, "%q:", name)
	}
	for _, f := range fieldsOf(v.Type()) {
		x := v.FieldByIndex(f.index)
		if f.omit && (x.IsZero() || x.Kind() == reflect.Map && x.Len() == 0) {
			continue
		}
		key(f.name)
		if f.asText {
			fmt.Fprintf(b, "%q", fmt.Sprint(x.Interface()))
			continue
		}
		if err := appendJSON(b, x); err != nil {
			return err
		}
		if f.nanos {
			key(f.name + "_ns")
			fmt.Fprint(b, x.Int())
		}
	}
	b.WriteByte('}')
	return nil
}

func appendMap(b *bytes.Buffer, v reflect.Value) error {
	byKey := map[string]reflect.Value{}
	for it := v.MapRange(); it.Next(); {
		byKey[fmt.Sprint(it.Key().Interface())] = it.Value()
	}
	b.WriteByte('{')
	for i, k := range slices.Sorted(maps.Keys(byKey)) {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := plainJSON(b, reflect.ValueOf(strings.ToValidUTF8(k, "�"))); err != nil {
			return err
		}
		b.WriteByte(':')
		if err := appendJSON(b, byKey[k]); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}
