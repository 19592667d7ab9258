package embedded

import (
	"bytes"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// What goes in comes out, whole and in order, however it is cut.
func TestMemoryPipeKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		client, server := Pipe()
		sent := rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(t, "writes")
		size := rapid.IntRange(1, 64).Draw(t, "read size")
		go func() {
			for _, p := range sent {
				_, _ = client.Write(p)
			}
			_ = client.CloseWrite()
		}()
		var got []byte
		for buf := make([]byte, size); ; {
			n, err := server.Read(buf)
			got = append(got, buf[:n]...)
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
		}
		require.True(t, bytes.Equal(got, bytes.Join(sent, nil)))
		// The other direction is still open.
		_, err := server.Write([]byte("bye"))
		require.NoError(t, err)
		_, err = io.ReadFull(client, make([]byte, 3))
		require.NoError(t, err)
	})
}

func TestMemoryPipeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := Pipe()
		began := time.Now()
		require.NoError(t, client.SetReadDeadline(began.Add(time.Minute)))
		_, err := client.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(began))
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout())

		require.NoError(t, client.SetReadDeadline(time.Time{}))
		go func() {
			time.Sleep(time.Hour)
			_ = client.Close()
		}()
		_, err = server.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		_, err = server.Write([]byte("x"))
		require.ErrorIs(t, err, errPeerClosed)
		_, err = client.Write([]byte("x"))
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = client.Read(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
		require.NoError(t, server.Close())
	})
}
