package rundir

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/flakehunt/flakehunt/harness"
)

// keySize is the length of a key in bytes.
const keySize = 32

// Key is a secret of one checkout or user. What is sealed with it was written here.
type Key []byte

// LoadKey reads the key at path, and makes it if there is none.
func LoadKey(path string) (Key, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make the key %s: %w", path, err)
		}
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	if len(b) != keySize {
		return nil, fmt.Errorf("the key %s has %d bytes, not %d: remove it", path, len(b), keySize)
	}
	return b, nil
}

func makeKey(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	b := make([]byte, keySize)
	_, _ = rand.Read(b)            // never fails
	return place(path, b, os.Link) // only the first
}

// seal gives the proof that what a finding's replay runs was written with the key.
func (k Key) seal(f *harness.Finding) string {
	if len(k) == 0 {
		return ""
	}
	b, err := json.Marshal(f.Target)
	if err != nil {
		return ""
	}
	h := hmac.New(sha256.New, k)
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil))
}

// Sealed reports whether the command of a finding was written with the key.
func (k Key) Sealed(f *harness.Finding) bool {
	return len(k) > 0 && f.Seal != "" && hmac.Equal([]byte(k.seal(f)), []byte(f.Seal))
}
