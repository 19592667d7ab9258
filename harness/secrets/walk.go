package secrets

import "reflect"

// In masks all strings that v, a pointer, leads to. Slices and maps that others
// hold, too, are replaced, not changed. Fields that are not exported, and keys of
// maps, stay as they are.
func (m *Mask) In(v any) {
	if m.built() == nil {
		return
	}
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return
	}
	if masked, changed := m.value(p.Elem()); changed {
		p.Elem().Set(masked)
	}
}

// value gives a value with its strings masked, and whether there was anything to mask.
func (m *Mask) value(v reflect.Value) (reflect.Value, bool) {
	switch v.Kind() {
	case reflect.String:
		s := v.String()
		masked := m.String(s)
		if masked == s {
			return v, false
		}
		w := reflect.New(v.Type()).Elem()
		w.SetString(masked)
		return w, true
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return v, false
		}
		inner, changed := m.value(v.Elem())
		if !changed {
			return v, false
		}
		if v.Kind() == reflect.Interface {
			return inner, true
		}
		w := reflect.New(v.Type().Elem())
		w.Elem().Set(inner)
		return w, true
	case reflect.Struct:
		return m.fields(v)
	case reflect.Slice:
		return m.slice(v)
	case reflect.Map:
		return m.mapped(v)
	}
	return v, false
}

func (m *Mask) fields(v reflect.Value) (reflect.Value, bool) {
	var w reflect.Value
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		f, changed := m.value(v.Field(i))
		if !changed {
			continue
		}
		if !w.IsValid() {
			w = reflect.New(v.Type()).Elem()
			w.Set(v)
		}
		w.Field(i).Set(f)
	}
	if !w.IsValid() {
		return v, false
	}
	return w, true
}

func (m *Mask) slice(v reflect.Value) (reflect.Value, bool) {
	var w reflect.Value
	for i := range v.Len() {
		e, changed := m.value(v.Index(i))
		if !changed {
			continue
		}
		if !w.IsValid() {
			w = reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(w, v)
		}
		w.Index(i).Set(e)
	}
	if !w.IsValid() {
		return v, false
	}
	return w, true
}

func (m *Mask) mapped(v reflect.Value) (reflect.Value, bool) {
	var w reflect.Value
	for it := v.MapRange(); it.Next(); {
		e, changed := m.value(it.Value())
		if !changed {
			continue
		}
		if !w.IsValid() {
			w = reflect.MakeMapWithSize(v.Type(), v.Len())
			for all := v.MapRange(); all.Next(); {
				w.SetMapIndex(all.Key(), all.Value())
			}
		}
		w.SetMapIndex(it.Key(), e)
	}
	if !w.IsValid() {
		return v, false
	}
	return w, true
}
