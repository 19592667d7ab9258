package explore

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Distribution says how the delays of the latency strategy are spread.
type Distribution string

// The distributions.
const (
	Normal  Distribution = "normal"  // mean Latency, standard deviation Jitter, truncated to [0, Latency + 2·Jitter]
	Uniform Distribution = "uniform" // between Latency − Jitter, but not below 0, and Latency + Jitter
	Fixed   Distribution = "fixed"   // Latency
)

// Side says which frames are delayed.
type Side string

// The sides.
const (
	BothSides Side = ""
	Requests  Side = "requests"
	Replies   Side = "replies"
)

// Per says what shares one delay.
type Per string

// What shares a delay.
const (
	PerFrame      Per = ""           // nothing
	PerSegment    Per = "segment"    // frames that arrived in one read, as on a network
	PerConnection Per = "connection" // all frames of a connection within a test
)

// Survey is what an earlier trial without injection told. With it the
// strategies keep their expected total delay within the budget; without it they
// assume a small suite.
type Survey struct {
	Frames   int           // of one trial
	Duration time.Duration // of that trial
	Tests    int           // in it
	Roles    int           // connections that differ in role, of a typical test
}

// or fills what is missing in s with the assumption.
func (s Survey) or() Survey {
	if s.Frames <= 0 || s.Duration <= 0 {
		s.Frames, s.Duration = 1000, 10*time.Second
	}
	s.Tests = max(s.Tests, 1)
	if s.Roles <= 0 {
		s.Roles = 4
	}
	return s
}

// Settings are those of all strategies; the zero value means the defaults.
type Settings struct {
	Latency      time.Duration // latency: the mean, each direction
	Jitter       time.Duration // latency
	Distribution Distribution  // latency; "" is Normal
	Trial        int           // skew: from 1; later trials get longer delays
	Budget       float64       // skew, random, pct: injected delay as a share of the trial's time; 0 is 0.2
	Max          time.Duration // skew, random: the longest delay; 0 is 2 s
	Depth        int           // pct: d, how many orderings a bug needs; 0 is 3
	Side         Side          // jitter, ladder: of which direction
	Per          Per           // jitter: what shares a delay
	Room         time.Duration // the arms: how long a test may take before it is ended; 0 is 5 s
	Survey       Survey
}

// The share follows rr's chaos mode: more than a fifth of the run time in
// delays causes timeouts that are the harness's own.
const (
	defaultBudget = 0.2
	defaultMax    = 2 * time.Second
	defaultDepth  = 3
	defaultRoom   = 5 * time.Second
)

func (s Settings) budget() float64 {
	if s.Budget <= 0 {
		return defaultBudget
	}
	return s.Budget
}

func (s Settings) max() time.Duration {
	if s.Max <= 0 {
		return defaultMax
	}
	return s.Max
}

// total is how much delay a trial may be given altogether.
func (s Settings) total() time.Duration {
	return time.Duration(s.budget() * float64(s.Survey.or().Duration))
}

// share is the mean delay that each frame may be given.
func (s Settings) share() time.Duration {
	return s.total() / time.Duration(s.Survey.or().Frames)
}

// perTest is how much delay one test may be given: a share of the time that it
// takes or, if that is more, of the time that it may take. A test of 20 ms that
// may take seconds is not the worse for a delay of 100 ms.
func (s Settings) perTest() time.Duration {
	v := s.Survey.or()
	room := s.Room
	if room <= 0 {
		room = defaultRoom
	}
	return time.Duration(s.budget() * float64(max(v.Duration/time.Duration(v.Tests), room)))
}

// framesOfTest is how many frames a test has.
func (s Settings) framesOfTest() int {
	v := s.Survey.or()
	return max(v.Frames/v.Tests, 1)
}

// thinned is the chance of each of n frames of a test to be kept back by mean, if
// the test is to stay within its share.
func (s Settings) thinned(n int, mean time.Duration) float64 {
	if mean <= 0 {
		return 0
	}
	return min(1, float64(s.perTest())/float64(n)/float64(mean))
}

// setting reads and writes one setting as text.
type setting struct {
	want string // what a valid value looks like
	get  func(s *Settings) string
	set  func(s *Settings, v string) error
}

func settings() map[string]setting {
	return map[string]setting{
		"latency":  duration(func(s *Settings) *time.Duration { return &s.Latency }),
		"jitter":   duration(func(s *Settings) *time.Duration { return &s.Jitter }),
		"max":      duration(func(s *Settings) *time.Duration { return &s.Max }),
		"duration": duration(func(s *Settings) *time.Duration { return &s.Survey.Duration }),
		"trial":    number(func(s *Settings) *int { return &s.Trial }),
		"depth":    number(func(s *Settings) *int { return &s.Depth }),
		"frames":   number(func(s *Settings) *int { return &s.Survey.Frames }),
		"tests":    number(func(s *Settings) *int { return &s.Survey.Tests }),
		"roles":    number(func(s *Settings) *int { return &s.Survey.Roles }),
		"distribution": {
			want: "normal, uniform or fixed",
			get:  func(s *Settings) string { return string(s.Distribution) },
			set: func(s *Settings, v string) error {
				s.Distribution = Distribution(v)
				if !slices.Contains([]Distribution{"", Normal, Uniform, Fixed}, s.Distribution) {
					return strconv.ErrSyntax
				}
				return nil
			},
		},
		"room": duration(func(s *Settings) *time.Duration { return &s.Room }),
		"side": choice(func(s *Settings) *Side { return &s.Side }, Requests, Replies),
		"per":  choice(func(s *Settings) *Per { return &s.Per }, PerSegment, PerConnection),
		"budget": {
			want: "a share between 0 and 1, such as 0.2",
			get: func(s *Settings) string {
				if s.Budget == 0 {
					return ""
				}
				return strconv.FormatFloat(s.Budget, 'g', -1, 64)
			},
			set: func(s *Settings, v string) (err error) {
				if s.Budget, err = strconv.ParseFloat(v, 64); err == nil && !(s.Budget >= 0 && s.Budget <= 1) {
					err = strconv.ErrRange
				}
				return err
			},
		},
	}
}

func duration(at func(*Settings) *time.Duration) setting {
	return setting{
		want: "a duration that is not negative, such as 20ms",
		get: func(s *Settings) string {
			if *at(s) == 0 {
				return ""
			}
			return at(s).String()
		},
		set: func(s *Settings, v string) (err error) {
			if *at(s), err = time.ParseDuration(v); err == nil && *at(s) < 0 {
				err = strconv.ErrRange
			}
			return err
		},
	}
}

// choice is a setting of a few words; "" is the default.
func choice[T ~string](at func(*Settings) *T, among ...T) setting {
	return setting{
		want: fmt.Sprintf("one of %v", among),
		get:  func(s *Settings) string { return string(*at(s)) },
		set: func(s *Settings, v string) error {
			if *at(s) = T(v); !slices.Contains(among, T(v)) {
				return strconv.ErrSyntax
			}
			return nil
		},
	}
}

func number(at func(*Settings) *int) setting {
	return setting{
		want: "a whole number that is not negative",
		get: func(s *Settings) string {
			if *at(s) == 0 {
				return ""
			}
			return strconv.Itoa(*at(s))
		},
		set: func(s *Settings, v string) (err error) {
			if *at(s), err = strconv.Atoi(v); err == nil && *at(s) < 0 {
				err = strconv.ErrRange
			}
			return err
		},
	}
}

// Params writes the settings that are not zero, by flag name, as
// harness.Schedule keeps them.
func (s Settings) Params() map[string]string {
	out := map[string]string{}
	for name, one := range settings() {
		if v := one.get(&s); v != "" {
			out[name] = v
		}
	}
	return out
}

// ParseSettings reads what Params wrote. An empty value is the default; an
// unknown name or a value that cannot be is an error of one line.
func ParseSettings(params map[string]string) (Settings, error) {
	var s Settings
	known := settings()
	for _, name := range slices.Sorted(maps.Keys(params)) {
		one, ok := known[name]
		if !ok {
			return s, fmt.Errorf("unknown strategy setting %q: want one of %s",
				name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if params[name] == "" {
			continue
		}
		if err := one.set(&s, params[name]); err != nil {
			return s, fmt.Errorf("strategy setting %s=%q: want %s", name, params[name], one.want)
		}
	}
	return s, nil
}
