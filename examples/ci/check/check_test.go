package check

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	k8syaml "sigs.k8s.io/yaml"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// decode reads one document into Kubernetes' own type: an unknown or doubled
// field, or a value of another type, is an error.
func decode(text []byte, into any) error { return k8syaml.UnmarshalStrict(text, into) }

func TestKubernetesJob(t *testing.T) {
	docs := bytes.Split(read(t, "../kubernetes-job.yaml"), []byte("\n---\n"))
	if len(docs) != 2 {
		t.Fatalf("%d documents", len(docs))
	}
	var claim core.PersistentVolumeClaim
	if err := decode(docs[0], &claim); err != nil {
		t.Fatal(err)
	}
	var job batch.Job
	if err := decode(docs[1], &job); err != nil {
		t.Fatal(err)
	}
	if job.Spec.CompletionMode == nil || *job.Spec.CompletionMode != batch.IndexedCompletion {
		t.Error("without Indexed completion pods have no number")
	}
	// The API server's own rules, as far as this file touches them.
	pod := job.Spec.Template.Spec
	if pod.RestartPolicy != core.RestartPolicyNever {
		t.Error("podFailurePolicy needs restartPolicy Never")
	}
	if got := pod.Volumes[0].PersistentVolumeClaim.ClaimName; got != claim.Name {
		t.Errorf("the job mounts %s, the claim is %s", got, claim.Name)
	}
	env := pod.Containers[0].Env
	i := slices.IndexFunc(env, func(e core.EnvVar) bool { return e.Name == "FLAKEHUNT_SHARD_TOTAL" })
	if i < 0 || env[i].Value != "8" || *job.Spec.Completions != 8 {
		t.Error("FLAKEHUNT_SHARD_TOTAL must be the number of completions")
	}
	if err := decode(bytes.Replace(docs[1], []byte("completionMode"), []byte("completionmod"), 1), &batch.Job{}); err == nil {
		t.Error("a misspelt field passed: the check checks nothing")
	}
}

func gitlabSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("gitlab-ci.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestGitLabFile(t *testing.T) {
	schema, text := gitlabSchema(t), read(t, "../gitlab-ci.yml")
	var doc map[string]any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Fatal(err)
	}
	// What a schema cannot say: names must lead somewhere.
	stages := doc["stages"].([]any)
	for name, v := range doc {
		job, ok := v.(map[string]any)
		if !ok || job["script"] == nil {
			continue
		}
		if !slices.Contains(stages, job["stage"]) {
			t.Errorf("%s: stage %v is not listed", name, job["stage"])
		}
		if base, ok := job["extends"].(string); ok && doc[base] == nil {
			t.Errorf("%s extends %s, which is not there", name, base)
		}
	}
	var bad map[string]any
	if err := yaml.Unmarshal([]byte(strings.Replace(string(text), "expire_in", "expires", 1)), &bad); err != nil {
		t.Fatal(err)
	}
	if schema.Validate(bad) == nil {
		t.Error("a misspelt keyword passed: the check checks nothing")
	}
}
