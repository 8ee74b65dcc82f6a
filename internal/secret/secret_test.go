package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestNoPrint: nothing that prints shows a text, wherever it stands.
func TestNoPrint(t *testing.T) {
	password := New("hunter2")
	if password.Reveal() != "hunter2" || password.IsZero() || (Text{}).Reveal() != "" || !(Text{}).IsZero() {
		t.Fatal("it is not kept")
	}
	type inner struct {
		Open   Text
		closed Text
	}
	type outer struct {
		in    inner
		there *inner
		list  []Text
	}
	holder := outer{inner{password, password}, &inner{password, password}, []Text{password}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, password); got != "***" {
			t.Errorf("%s: %s", verb, got)
		}
		fmt.Fprintf(&out, verb+"\n", holder)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("login", "password", password, "holder", holder)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("login", "password", password, "holder", holder)
	encoded, err := json.Marshal(map[string]any{"one": password, "many": []Text{password}, "in": inner{Open: password}})
	if err != nil || string(encoded) != `{"in":{"Open":"***"},"many":["***"],"one":"***"}` {
		t.Errorf("%s, %v", encoded, err)
	}
	for _, shown := range []string{"hunter2", "68756e74657232", fmt.Sprint([]byte("hunter2"))} {
		if strings.Contains(out.String(), shown) {
			t.Errorf("shows %s:\n%s", shown, out.String())
		}
	}
}
