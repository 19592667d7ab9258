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
)

// JournalName is the journal's name within the output directory.
const JournalName = "trials.jsonl"

// Journal appends finished trials to a file, each flushed as it ends.
type Journal struct {
	mu sync.Mutex
	f  *os.File
}

// OpenJournal opens the journal for appending. A last line that a crash left
// incomplete is cut off, so that what follows is readable.
func OpenJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	end, err := lastLineEnd(f)
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open the journal %s: %w", path, err)
	}
	return &Journal{f: f}, nil
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

// Append writes one trial and hands it to the kernel before it returns.
func (j *Journal) Append(t harness.Trial) error {
	b, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("write trial %d: %w", t.Index, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.f.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("write trial %d: %w", t.Index, err)
	}
	return nil
}

// Close makes the journal durable and closes it.
func (j *Journal) Close() error { return errors.Join(j.f.Sync(), j.f.Close()) }

// ReadJournal reads all trials of a journal. An incomplete last line, which a
// crash may leave, is passed over; any other damage is an error.
func ReadJournal(r io.Reader) ([]harness.Trial, error) {
	var trials []harness.Trial
	br := bufio.NewReaderSize(r, 1<<20)
	for line := 1; ; line++ {
		b, err := br.ReadBytes('\n')
		if err == io.EOF {
			return trials, nil
		}
		if err != nil {
			return trials, fmt.Errorf("read the journal, line %d: %w", line, err)
		}
		var t harness.Trial
		if err := json.Unmarshal(b, &t); err != nil {
			return trials, fmt.Errorf("read the journal, line %d: %w", line, err)
		}
		trials = append(trials, t)
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
