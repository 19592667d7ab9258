package trial

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/secrets"
	"github.com/flakehunt/flakehunt/harness/summary"
)

// JournalName is the journal's name within the output directory.
const JournalName = "trials.jsonl"

// Journal appends finished trials to a file, each flushed as it ends. It must be
// the only one that writes to the file.
type Journal struct {
	Run    string      // each trial is marked with it; empty: with nothing
	Failed func(error) // if set, called once, when the journal can no longer be written
	Mask   *secrets.Mask

	mu   sync.Mutex
	f    *os.File
	path string
	end  int64 // all before it is whole lines
	err  error // why nothing more is written
}

// OpenJournal opens the journal for appending. A last line that a crash left
// incomplete is cut off, so that what follows is readable.
func OpenJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	end, err := lastLineEnd(f)
	if err == nil {
		err = f.Truncate(end)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open the journal %s: %w", path, err)
	}
	return &Journal{f: f, path: path, end: end}, nil
}

// lastLineEnd returns the offset behind the last newline.
func lastLineEnd(f *os.File) (int64, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 64<<10)
	for end := size; end > 0; {
		n := min(int64(len(buf)), end)
		if _, err := f.ReadAt(buf[:n], end-n); err != nil {
			return 0, err
		}
		for i := n - 1; i >= 0; i-- {
			if buf[i] == '\n' {
				return end - n + i + 1, nil
			}
		}
		end -= n
	}
	return 0, nil
}

// Append writes one trial and hands it to the kernel before it returns. Once it
// has failed nothing more is written: what follows a gap would be taken for all.
func (j *Journal) Append(t harness.Trial) error {
	t.Run = j.Run
	b, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("write trial %d: %w", t.Index, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return j.err
	}
	if err := j.write(append(j.Mask.Bytes(b), '\n')); err != nil {
		j.err = fmt.Errorf("write trial %d to the journal: %w", t.Index, err)
		if j.Failed != nil {
			j.Failed(j.err)
		}
		return j.err
	}
	return nil
}

// write appends a line, or leaves the file as it was. j.mu is held.
func (j *Journal) write(line []byte) error {
	there, err := os.Stat(j.path)
	if err != nil {
		return err
	}
	if own, err := j.f.Stat(); err != nil || !os.SameFile(own, there) {
		return errors.Join(fmt.Errorf("%s was replaced while the run wrote to it", j.path), err)
	}
	if there.Size() != j.end {
		return fmt.Errorf("%s has %d bytes, not %d: something else wrote to it", j.path, there.Size(), j.end)
	}
	n, err := j.f.Write(line)
	if err != nil {
		if n > 0 {
			err = errors.Join(err, j.f.Truncate(j.end))
		}
		return err
	}
	j.end += int64(n)
	return nil
}

// Err says why nothing more could be written; nil: all was.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Close makes the journal durable and closes it.
func (j *Journal) Close() error { return errors.Join(j.f.Sync(), j.f.Close()) }

// Recorded is what a journal holds.
type Recorded struct {
	Trials  []harness.Trial
	Damaged []int // numbers of lines that hold no trial
	Doubled int   // trials that stood there before, and count once
}

// Warnings says what of the journal does not count.
func (r *Recorded) Warnings() (list []string) {
	if n := len(r.Damaged); n > 0 {
		lines := fmt.Sprintf("line %d", r.Damaged[0])
		if n > 1 {
			lines = fmt.Sprintf("%d lines, the first is line %d", n, r.Damaged[0])
		}
		list = append(list, fmt.Sprintf("%s: %s can't be read, and their trials do not count", JournalName, lines))
	}
	if r.Doubled > 0 {
		list = append(list, fmt.Sprintf("%s: %d trials stand there twice, and count once", JournalName, r.Doubled))
	}
	return list
}

// identity tells one trial from all others: a numbered one by its number, any
// other by when it began, too.
type identity struct {
	suite   string
	index   int
	aimed   harness.Arm
	started int64
}

func identityOf(t *harness.Trial) identity {
	if summary.Counted(t.Arm) && harness.Numbered(t.Suite) {
		return identity{suite: t.Suite, index: t.Index}
	}
	return identity{t.Suite, t.Index, t.Arm, t.Start.UnixNano()}
}

// ReadJournal reads all trials of a journal, each once. An incomplete last line,
// which a crash may leave, is passed over; other lines that hold no trial are listed.
func ReadJournal(r io.Reader) (Recorded, error) {
	var c Recorded
	seen := map[identity]bool{}
	br := bufio.NewReaderSize(r, 1<<20)
	for line := 1; ; line++ {
		b, err := readLine(br)
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return c, fmt.Errorf("read the journal, line %d: %w", line, err)
		}
		var t harness.Trial
		if harness.CheckDecisions(b, 20) != nil || json.Unmarshal(b, &t) != nil || t.Index < 1 {
			c.Damaged = append(c.Damaged, line)
			continue
		}
		id := identityOf(&t)
		if seen[id] {
			c.Doubled++
			continue
		}
		seen[id] = true
		c.Trials = append(c.Trials, t)
	}
}

// mostLine bounds a line of a journal in bytes. A suite of 10,000 tests takes 4 MiB.
const mostLine = 64 << 20

// readLine reads a whole line; one that is too long is read, and empty.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for long := false; ; {
		part, err := r.ReadSlice('\n')
		if long = long || len(line)+len(part) > mostLine; long {
			line = nil
		} else {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// foldDigest joins the digests of a trial's tests, in the order of the tests.
func foldDigest(so, next string) string {
	if so == "" && next == "" {
		return ""
	}
	h := sha256.Sum256([]byte(so + "\n" + next))
	return hex.EncodeToString(h[:8])
}
