package volatile

import (
	"crypto/rand"
	"fmt"
	"testing"
)

func uuid() string {
	b := make([]byte, 16)
	rand.Read(b)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func TestVolatile(t *testing.T) {
	for i := range 3 {
		t.Run(uuid(), func(t *testing.T) {
			t.Run("inner", func(t *testing.T) {
				if i == 1 {
					t.Fatal("the second")
				}
			})
		})
	}
}
