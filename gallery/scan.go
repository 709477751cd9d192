package gallery

import (
	"context"
	"iter"
)

// ScanPage is how many records one View reads at most: the most that a scan of a
// Reader returns.
const ScanPage = 256

// Scan yields the records of a whole scan, each page of them read in a View of its
// own, so that no View lasts long. page returns at most ScanPage records after
// last, which is T's zero value at the beginning, and less when there are no more.
// The scan ends with the first error, which is yielded with a zero record.
//
// The pages are of different moments.
func Scan[T any](ctx context.Context, s Store, page func(r Reader, last T) ([]T, error)) iter.Seq2[T, error] {
	return pages(func(last T) (recs []T, err error) {
		err = s.View(ctx, func(r Reader) (err error) {
			recs, err = page(r, last)
			return err
		})
		return recs, err
	})
}

// pages is a Scan of pages that are read in some other way: inside one
// transaction, where what is read must be of one moment.
func pages[T any](page func(last T) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var last, none T
		for {
			recs, err := page(last)
			if err != nil {
				yield(none, err)
				return
			}
			for _, rec := range recs {
				if !yield(rec, nil) {
					return
				}
			}
			if len(recs) < ScanPage {
				return
			}
			last = recs[len(recs)-1]
		}
	}
}
