package clients

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// nodeProgram is installed by npm ci in its directory.
const nodeProgram = "testdata/npm-redis"

func checkNode() error {
	if _, err := exec.LookPath("node"); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(nodeProgram, "node_modules", "redis")); err != nil {
		return fmt.Errorf("run npm ci in harness/proxy/clients/%s: %w", nodeProgram, err)
	}
	return nil
}

// playNode plays the scenarios with npm's redis.
func playNode(t *testing.T, _ *server, to target, big payload) transcript {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	host, port := to.split(t)
	settings, err := json.Marshal(map[string]any{
		"host": host, "port": port, "protocol": to.protocol, "ca": to.ca, "big": big.file,
		"pipelined": pipelined, "script": luaScript, "noScript": noScript,
	})
	require.NoError(t, err)
	cmd := exec.CommandContext(ctx, "node", "client.mjs", string(settings))
	cmd.Dir = nodeProgram
	out, err := cmd.Output()
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		require.NoError(t, err, "%s", failed.Stderr)
	}
	require.NoError(t, err)
	var got transcript
	require.NoError(t, json.Unmarshal(out, &got), "%s", out)
	return got
}
