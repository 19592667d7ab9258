package simtest_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/flakehunt/flakehunt/harness/simtest"
)

// sessionEnds waits for more than a minute under each of 200 network schedules. In
// virtual time that takes a fraction of a second.
func sessionEnds(t *testing.T) {
	simtest.Run(t, 200, func(t *testing.T, opt *redis.Options) {
		client := redis.NewClient(opt)
		defer client.Close()
		if err := client.Set(t.Context(), "session:ada", "open", time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute + time.Second)
		if client.Exists(t.Context(), "session:ada").Val() != 0 {
			t.Error("the session outlives its minute")
		}
	})
}

func Example() {
	var t *testing.T // the one that go test gives to TestSessionEnds
	sessionEnds(t)
}
