package trace

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

func TestWriteAndReplay(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file)
	exchange := func(action, answer string) {
		w.Write(Record{Event: "exchange", Request: &Message{Line: "POST /wsman HTTP/1.1", Body: "<e><a:Action x='y'>" + action + "</a:Action><a:MessageID>uuid:old</a:MessageID></e>"},
			Answer: &Message{Line: "HTTP/1.1 200 OK", Body: answer}})
	}
	w.Write(Record{Event: "connect", Address: "127.0.0.1:5985"})
	exchange("u/Create", "<r><a:RelatesTo>uuid:old</a:RelatesTo>1 $0</r>")
	exchange("u/Receive", "<r>2</r>")
	exchange("u/Receive", "<r>3</r>")
	if w.Err() != nil || strings.Count(file.String(), "\n") != 4 {
		t.Fatal(w.Err(), file.String())
	}
	p, err := NewReplay(&file)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(action string) string {
		answer, err := p.Post(context.Background(), []byte("<e><Action>u/"+action+"</Action><MessageID>uuid:new</MessageID></e>"))
		if err != nil {
			return err.Error()
		}
		return string(answer)
	}
	for _, tc := range [][2]string{
		{"Receive", "<r>2</r>"}, {"Create", "<r><a:RelatesTo>uuid:new</a:RelatesTo>1 $0</r>"}, {"Receive", "<r>3</r>"},
		{"Receive", "trace: replay: no answer is left for u/Receive"},
	} {
		if got := ask(tc[0]); got != tc[1] {
			t.Errorf("%s: %s", tc[0], got)
		}
	}
	if p.Left() != 0 {
		t.Error(p.Left())
	}
	if _, err := NewReplay(strings.NewReader("{}\nnot json")); err == nil {
		t.Error("a broken file is read")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Post(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriterKeepsItsError(t *testing.T) {
	w := NewWriter(failing{})
	w.Write(Record{})
	w.Write(Record{})
	if w.Err() == nil || w.Err().Error() != "trace: disk full" {
		t.Error(w.Err())
	}
}
