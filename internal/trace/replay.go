package trace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
)

// A Replay answers requests as a traced session was answered: by action, each action's answers in their order, with the
// message that an answer relates to put in anew. It is safe for concurrent use, and stands for any number of connections.
type Replay struct {
	action, messageID, relatesTo *regexp.Regexp

	mu      sync.Mutex
	answers map[string][]string
}

// NewReplay reads a trace file.
func NewReplay(r io.Reader) (*Replay, error) {
	p := &Replay{
		action:    regexp.MustCompile(`<(?:\w+:)?Action\b[^>]*>\s*([^<\s]+)\s*</`),
		messageID: regexp.MustCompile(`<(?:\w+:)?MessageID\b[^>]*>\s*([^<\s]+)\s*</`),
		relatesTo: regexp.MustCompile(`(<(?:\w+:)?RelatesTo\b[^>]*>)[^<]*(</)`),
		answers:   map[string][]string{},
	}
	for d := json.NewDecoder(r); ; {
		var record Record
		err := d.Decode(&record)
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err != nil {
			return nil, fmt.Errorf("trace: %w", err)
		}
		if record.Request == nil || record.Answer == nil || record.Answer.Body == "" {
			continue
		}
		if m := p.action.FindStringSubmatch(record.Request.Body); m != nil {
			p.answers[m[1]] = append(p.answers[m[1]], record.Answer.Body)
		}
	}
}

// Post answers one request.
func (p *Replay) Post(ctx context.Context, request []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	action, id := p.action.FindSubmatch(request), p.messageID.FindSubmatch(request)
	if action == nil || id == nil {
		return nil, errors.New("trace: replay: a request without Action or MessageID")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.answers[string(action[1])]
	if len(left) == 0 {
		return nil, fmt.Errorf("trace: replay: no answer is left for %s", action[1])
	}
	p.answers[string(action[1])] = left[1:]
	return p.relatesTo.ReplaceAll([]byte(left[0]), append(append([]byte("${1}"), id[1]...), "${2}"...)), nil
}

// Close implements a connection's Close.
func (*Replay) Close() error { return nil }

// Left returns how many answers were not asked for.
func (p *Replay) Left() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, answers := range p.answers {
		n += len(answers)
	}
	return n
}
