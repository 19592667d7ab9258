package hunt

import "fmt"

// Progress says how far the hunt is.
type Progress struct {
	Phase    string // "survey", "provoke", "reduce"
	Done     int    // suite trials
	Total    int    // 0: unknown
	Failures int    // failed executions of tests in natural and explored trials
	Active   int    // aimed trials so far
	Findings int
	Note     string // something worth a line, once
}

// phase names what is done now.
func (h *hunter) phase(name string, total int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.progress.Phase = name
	if total > 0 {
		h.progress.Total = total
	}
	h.tell()
}

// note says something once.
func (h *hunter) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.progress.Note = fmt.Sprintf(format, args...)
	h.tell()
	h.progress.Note = ""
}

// tell reports progress; h.mu is held.
func (h *hunter) tell() {
	if h.Progress != nil {
		h.progress.Findings = h.found.Len()
		h.Progress(h.progress)
	}
}
