package smoke_test

import (
	"testing"

	"github.com/flakehunt/flakehunt/scenarios/smoke"
	"github.com/flakehunt/flakehunt/scenarios/suitetest"
)

func TestSuite(t *testing.T) { suitetest.Run(t, smoke.Suite, 4) }
