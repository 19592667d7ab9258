package integration_test

import (
	"testing"

	"github.com/flakehunt/flakehunt/scenarios/integration"
	"github.com/flakehunt/flakehunt/scenarios/suitetest"
)

func TestSuite(t *testing.T) { suitetest.Run(t, integration.Suite, 4) }
