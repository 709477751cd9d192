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
// The pages are of different moments: what must be of one is read in one View.
func Scan[T any](ctx context.Context, s Store, page func(r Reader, last T) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var last, none T
		for {
			var recs []T
			err := s.View(ctx, func(r Reader) (err error) {
				recs, err = page(r, last)
				return err
			})
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
