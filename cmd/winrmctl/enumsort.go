package main

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/winrmctl/winrmctl/internal/enum"
)

// sorter keeps items in memory until all are there.
type sorter struct {
	by    []string
	items []sortedItem
	size  int
}

type sortedItem struct {
	target string
	item   enum.Item
	keys   []enum.Value
}

// maxSorted bounds what is kept for sorting, in bytes, roughly.
const maxSorted = 1 << 30

func (s *sorter) add(target string, item *enum.Item) error {
	entry := sortedItem{target: target, item: *item}
	for _, name := range s.by {
		name = strings.TrimPrefix(name, "-")
		if strings.EqualFold(name, "target") {
			entry.keys = append(entry.keys, enum.Value{Kind: enum.String, Text: target})
			continue
		}
		v := enum.Value{}
		for _, p := range item.Properties {
			if strings.EqualFold(p.Name, name) {
				v = p.Value
			}
		}
		entry.keys = append(entry.keys, v)
	}
	for _, p := range item.Properties {
		s.size += 96 + len(p.Value.Text)
	}
	if s.size > maxSorted {
		return &usageError{fmt.Sprintf("%d items are too many to be sorted in memory", len(s.items)), "narrow them by --where or --select, or sort them elsewhere: -o jsonl"}
	}
	s.items = append(s.items, entry)
	return nil
}

// emit hands the items over in their order; those that are equal keep the order in which they came.
func (s *sorter) emit(item func(string, *enum.Item) error) error {
	slices.SortStableFunc(s.items, func(a, b sortedItem) int {
		for i, name := range s.by {
			order := compareValues(&a.keys[i], &b.keys[i])
			if strings.HasPrefix(name, "-") {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	for i := range s.items {
		if err := item(s.items[i].target, &s.items[i].item); err != nil {
			return err
		}
	}
	s.items = nil
	return nil
}

// compareValues orders null first, then numbers by value, then text without regard to case.
func compareValues(a, b *enum.Value) int {
	if a.Kind == enum.Number && b.Kind == enum.Number {
		x, okX := new(big.Float).SetString(a.Text)
		y, okY := new(big.Float).SetString(b.Text)
		if okX && okY {
			return x.Cmp(y)
		}
	}
	if rank := cmp.Compare(rankOf(a), rankOf(b)); rank != 0 {
		return rank
	}
	if order := strings.Compare(strings.ToLower(a.Text), strings.ToLower(b.Text)); order != 0 {
		return order
	}
	return strings.Compare(a.Text, b.Text)
}

func rankOf(v *enum.Value) int {
	switch v.Kind {
	case enum.Null:
		return 0
	case enum.Number:
		return 1
	}
	return 2
}
