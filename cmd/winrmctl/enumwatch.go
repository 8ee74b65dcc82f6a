package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/enum"
	"github.com/winrmctl/winrmctl/internal/enum/format"
	"github.com/winrmctl/winrmctl/internal/transport"
)

// watchOn carries out the job again and again, and tells what has changed from one time to the next. A target that is lost for a
// while is asked again at the next turn.
func (r *enumRunner) watchOn(ctx context.Context, t *config.Target, client *enum.Client, keys []string) error {
	var before *snapshot
	for {
		now, err := r.turn(ctx, client, keys)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && before != nil && isLost(err):
			r.app.warn("%s: %v; it is asked again in %v", t.Name, err, r.watch)
		case err != nil:
			return err
		default:
			if err := r.changes.tell(t.Name, before, now); err != nil {
				return err
			}
			before = now
		}
		timer := time.NewTimer(r.watch)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
}

// turn asks once, no more targets at once than --parallel allows.
func (r *enumRunner) turn(ctx context.Context, client *enum.Client, keys []string) (*snapshot, error) {
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	now := newSnapshot(keys)
	now.single = r.job.single
	return now, r.job.run(ctx, client, now.add)
}

func isLost(err error) bool {
	way, ok := errors.AsType[*transport.Error](err)
	return ok && way.Lost()
}

// snapshot is all items of one time, by what tells them apart.
type snapshot struct {
	names  []string
	single bool // there is one, which is the same each time
	order  []string
	items  map[string]*enum.Item
}

func newSnapshot(names []string) *snapshot {
	return &snapshot{names: names, items: map[string]*enum.Item{}}
}

// add takes an item. Without keys, or where an item lacks one, all of the item tells it apart.
func (s *snapshot) add(item *enum.Item) error {
	var key strings.Builder
	for _, name := range s.names {
		found := false
		for _, p := range item.Properties {
			if strings.EqualFold(p.Name, name) {
				key.Write(format.AppendValue(nil, &p.Value))
				key.WriteByte(' ')
				found = true
			}
		}
		if !found {
			key.Reset()
			break
		}
	}
	id := key.String()
	if id == "" && !s.single {
		id = string(format.AppendItem(nil, "", item, false))
	}
	if _, ok := s.items[id]; !ok {
		s.order = append(s.order, id)
	}
	kept := *item
	s.items[id] = &kept
	return nil
}

// changeWriter tells what has changed: in lines for people, or as JSON.
type changeWriter struct {
	mu  sync.Mutex
	o   *enumOptions
	job *enumJob
	w   io.Writer
}

// A change is one item that is there for the first time, is new, gone, or different.
type change struct {
	kind string // initial, added, removed or changed
	item *enum.Item
	was  []enum.Property // of a changed one, what it had before
}

// tell writes the changes from one snapshot to the next; before is nil for the first.
func (w *changeWriter) tell(target string, before, now *snapshot) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	stamp := time.Now()
	if before == nil && w.o.output == format.Table {
		s := w.o.newSink(w.job)
		for _, id := range now.order {
			if err := s.w.Item(target, now.items[id]); err != nil {
				return err
			}
		}
		return s.w.Close()
	}
	for _, c := range changesOf(before, now) {
		var line []byte
		if w.o.output == format.JSONL {
			line = w.json(stamp, target, c)
		} else {
			line = w.text(stamp, target, now.names, c)
		}
		if _, err := w.w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func changesOf(before, now *snapshot) []change {
	var out []change
	for _, id := range now.order {
		item := now.items[id]
		switch {
		case before == nil:
			out = append(out, change{kind: "initial", item: item})
		case before.items[id] == nil:
			out = append(out, change{kind: "added", item: item})
		default:
			if was := differences(before.items[id], item); len(was) > 0 {
				out = append(out, change{kind: "changed", item: item, was: was})
			}
		}
	}
	if before != nil {
		for _, id := range before.order {
			if now.items[id] == nil {
				out = append(out, change{kind: "removed", item: before.items[id]})
			}
		}
	}
	return out
}

// differences returns the properties that were different before.
func differences(before, now *enum.Item) []enum.Property {
	var was []enum.Property
	for _, p := range now.Properties {
		v, _ := before.Get(p.Name)
		if string(format.AppendValue(nil, &v)) != string(format.AppendValue(nil, &p.Value)) {
			was = append(was, enum.Property{Name: p.Name, Value: v})
		}
	}
	return was
}

func (w *changeWriter) json(stamp time.Time, target string, c change) []byte {
	b := append([]byte(`{"time":"`), stamp.UTC().Format("2006-01-02T15:04:05.000Z07:00")...)
	b = append(b, `","target":`...)
	b = format.AppendValue(b, &enum.Value{Kind: enum.String, Text: target})
	b = append(append(append(b, `,"change":"`...), c.kind...), `","item":`...)
	of := format.Options{Class: w.job.shown, Mixed: w.job.mixed}
	b = format.AppendItem(b, "", c.item, of.Foreign(c.item))
	if c.was != nil {
		b = append(b, `,"was":`...)
		b = format.AppendItem(b, "", &enum.Item{Properties: c.was}, false)
	}
	return append(b, '}')
}

func (w *changeWriter) text(stamp time.Time, target string, keys []string, c change) []byte {
	line := stamp.Format("15:04:05") + " "
	if w.o.several {
		line += target + ": "
	}
	line += map[string]string{"added": "+", "removed": "-", "changed": "~"}[c.kind]
	shown := c.item.Properties
	if len(keys) > 0 {
		shown = nil
		for _, p := range c.item.Properties {
			if slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, p.Name) }) {
				shown = append(shown, p)
			}
		}
	}
	if len(shown) == 0 && c.was == nil { // they are not there: it is told apart by all that it has
		shown = c.item.Properties
	}
	for _, p := range shown {
		line += fmt.Sprintf(" %s=%s", p.Name, format.AppendValue(nil, &p.Value))
	}
	for _, p := range c.was {
		now, _ := c.item.Get(p.Name)
		line += fmt.Sprintf(" %s: %s -> %s", p.Name, format.AppendValue(nil, &p.Value), format.AppendValue(nil, &now))
	}
	return []byte(format.Harmless(line))
}
