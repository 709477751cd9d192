package store_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/store"
	"nougat/store/mem"
	"nougat/store/storetest"
)

var update = flag.Bool("update", false, "write the goldens of the newest schema")

// A dump is a text file with all that a database holds, a line for each key:
// its bucket, and key and value as Go writes strings. One is kept for each schema
// that ever was.
func readDump(t testing.TB, schema int) store.KV {
	t.Helper()
	text, err := os.ReadFile(dumpFile(schema))
	if err != nil {
		t.Fatal(err)
	}
	kv := mem.New(store.Hooks{})
	err = kv.Update(t.Context(), func(tx store.Txn) error {
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			name, rest, _ := strings.Cut(lines.Text(), " ")
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return err
			}
			key, err1 := strconv.Unquote(quoted)
			value, err2 := strconv.Unquote(rest[len(quoted)+1:])
			b, known := store.BucketNamed(name)
			if err := errors.Join(err1, err2); err != nil || !known {
				return fmt.Errorf("the line %.60q: %w", lines.Text(), err)
			}
			if err := tx.Put(b, []byte(key), []byte(value)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

func dumpFile(schema int) string {
	return filepath.Join("testdata", fmt.Sprintf("schema%d.txt", schema))
}

func dump(t testing.TB, kv store.KV) string {
	t.Helper()
	var b strings.Builder
	eachPair(t, kv, func(bucket store.Bucket, key, value []byte) { fmt.Fprintf(&b, "%v %+q %+q\n", bucket, key, value) })
	return b.String()
}

// golden compares text with a file, or writes it.
func golden(t testing.TB, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s holds something else; go test ./store -update writes it, and it is read before it is committed. Now:\n%s", file, got)
	}
}

// TestSchemas opens a database of every schema that ever was and compares all
// its records, as they are read, with the one golden: what an earlier program
// wrote means the same today. The newest dump also pins the encoding: a field
// that moves shows there.
func TestSchemas(t *testing.T) {
	if len(store.Steps) != store.Schema {
		t.Fatalf("there are %d steps and the schema is %d", len(store.Steps), store.Schema)
	}
	for schema := 1; schema <= store.Schema; schema++ {
		t.Run(strconv.Itoa(schema), func(t *testing.T) {
			if *update && schema == store.Schema {
				kv := readDump(t, schema-1)
				opened(t, kv)
				rewrite(t, kv)
				if err := os.WriteFile(dumpFile(schema), []byte(dump(t, kv)), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			kv := readDump(t, schema)
			s := opened(t, kv)
			all, err := storetest.Read(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if all.Meta.Schema != store.Schema || all.Meta.Epoch != 0x1234567890abcdef {
				t.Errorf("the store is %+v", all.Meta)
			}
			all.Meta.Schema = 0
			text, err := json.MarshalIndent(readable(reflect.ValueOf(all)), "", " ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "records.json"), string(text)+"\n")
			if schema == store.Schema {
				if rewrite(t, kv); dump(t, kv) != dump(t, readDump(t, schema)) {
					t.Errorf("records are written otherwise than schema %d has them", schema)
				}
			}
		})
	}
}

// readable turns records into what JSON prints in full: versions by their
// original text, hashes in hexadecimal.
func readable(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case nuget.Version:
		return x.Original()
	case time.Time:
		return x.Format(time.RFC3339Nano)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return readable(v.Elem())
	case reflect.Struct:
		fields := make(map[string]any)
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				fields[v.Type().Field(i).Name] = readable(v.Field(i))
			}
		}
		return fields
	case reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			b := make([]byte, v.Len())
			reflect.Copy(reflect.ValueOf(b), v)
			return hex.EncodeToString(b)
		}
		fallthrough
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = readable(v.Index(i))
		}
		return list
	}
	return v.Interface()
}

func opened(t testing.TB, kv store.KV) *store.Store {
	t.Helper()
	s, err := store.New(t.Context(), kv)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rewrite writes every record as it is written today.
func rewrite(t testing.TB, kv store.KV) {
	t.Helper()
	var values []store.Pair
	var buckets []store.Bucket
	eachPair(t, kv, func(b store.Bucket, key, value []byte) {
		again, err := store.Recode(b, key, value)
		if err != nil {
			t.Fatal(err)
		}
		values, buckets = append(values, store.Pair{Key: bytes.Clone(key), Value: bytes.Clone(again)}), append(buckets, b)
	})
	err := kv.Update(t.Context(), func(tx store.Txn) error {
		for i, p := range values {
			if err := tx.Put(buckets[i], p.Key, p.Value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFutureSchema holds that a program neither opens nor changes a newer
// database, and says in a sentence what to do.
func TestFutureSchema(t *testing.T) {
	s, kv := sample(t)
	if err := s.Update(t.Context(), func(w gallery.Writer) error { return w.PutMeta(gallery.Meta{Schema: store.Schema + 1}) }); err != nil {
		t.Fatal(err)
	}
	before := dump(t, kv)
	if _, err := store.New(t.Context(), kv); err == nil || !strings.Contains(err.Error(), "written by a newer nougat") {
		t.Errorf("a newer database: %v", err)
	}
	if dump(t, kv) != before {
		t.Error("a newer database was changed")
	}
}

// TestFutureRecord holds that a record of a newer format is told from a damaged
// one.
func TestFutureRecord(t *testing.T) {
	_, kv := sample(t)
	eachPair(t, kv, func(b store.Bucket, key, value []byte) {
		if _, err := store.Recode(b, key, nil); err == nil {
			return // the bucket's values have no form
		}
		newer := bytes.Clone(value)
		newer[0] = 200
		if _, err := store.Recode(b, key, newer); err == nil || !strings.Contains(err.Error(), "newer") {
			t.Errorf("%v: a record of a newer format: %v", b, err)
		}
	})
}

// brittle fails the Update with that number, before or after it took effect.
type brittle struct {
	store.KV
	left    int
	applied bool
}

var errCut = errors.New("the power went")

func (b *brittle) Update(ctx context.Context, f func(store.Txn) error) error {
	if b.left--; b.left > 0 {
		return b.KV.Update(ctx, f)
	}
	if b.applied {
		if err := b.KV.Update(ctx, f); err != nil {
			return err
		}
	}
	return errCut
}

// TestUpgradeCutOff cuts the upgrade of a database with several pages of releases
// off at every one of its Updates; the next start ends it, with the same result.
// An earlier program that writes between the two loses nothing by it.
func TestUpgradeCutOff(t *testing.T) {
	fill := func() store.KV {
		kv := readDump(t, 1)
		raw := store.RawRelease(&storetest.Release(t, "Many", "1.0.0").Head, []byte{1})
		for page := range 3 {
			err := kv.Update(t.Context(), func(tx store.Txn) error {
				for i := range store.MaxPage {
					key := fmt.Appendf([]byte{0, 0, 0, 9}, "many%d.%d\x00v", page, i)
					if err := tx.Put(store.Releases, key, bytes.Clone(raw)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		return kv
	}
	before := fill()
	whole := fill()
	opened(t, whole)
	want := dump(t, whole)
	for _, applied := range []bool{false, true} {
		for cut := 1; ; cut++ {
			kv := fill()
			_, err := store.New(t.Context(), &brittle{kv, cut, applied})
			if err == nil {
				if cut < 5 {
					t.Errorf("the upgrade took %d updates: the test cuts nothing", cut-1)
				}
				break
			}
			if !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			earlierReads(t, kv, before)
			opened(t, kv)
			if dump(t, kv) != want {
				t.Errorf("cut off at its update %d (applied: %v), the upgrade ended otherwise", cut, applied)
			}
		}
	}
}

// earlierReads holds that everything that the program of schema 1 reads is still
// as it wrote it: until the upgrade is done that program opens the database.
func earlierReads(t testing.TB, kv, before store.KV) {
	t.Helper()
	if !strings.Contains(dump(t, kv), `meta "store" "\x01\x01`) {
		return // the last Update took effect
	}
	strip := func(kv store.KV) string {
		var b strings.Builder
		for line := range strings.Lines(dump(t, kv)) {
			if !strings.HasPrefix(line, "blobref ") && !strings.HasPrefix(line, "keyexp ") {
				b.WriteString(line)
			}
		}
		return b.String()
	}
	if strip(kv) != strip(before) {
		t.Error("an upgrade that was cut off changed what an earlier program reads")
	}
}

// TestUpgradeAfterEarlierWrites lets the earlier program replace a release between
// an upgrade that was cut off and the next: the file that it gave up is in use no
// more.
func TestUpgradeAfterEarlierWrites(t *testing.T) {
	kv := readDump(t, 1)
	if _, err := store.New(t.Context(), &brittle{kv, 3, true}); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	r := storetest.Release(t, "A", "1.0")
	r.Blob, r.Received = storetest.Hash("given up later"), storetest.Hash("given up later")
	var key []byte
	eachPair(t, kv, func(b store.Bucket, k, _ []byte) {
		if b == store.Releases && bytes.HasPrefix(k, []byte("\x00\x00\x00\x01a\x00")) {
			key = bytes.Clone(k)
		}
	})
	err := kv.Update(t.Context(), func(tx store.Txn) error { return tx.Put(store.Releases, key, store.RawRelease(&r.Head, []byte{1})) })
	if err != nil {
		t.Fatal(err)
	}
	s := opened(t, kv)
	err = s.View(t.Context(), func(rd gallery.Reader) error {
		gone, err1 := rd.BlobInUse(storetest.Hash("A1.0"))
		now, err2 := rd.BlobInUse(r.Blob)
		if gone || !now {
			t.Errorf("the old file is in use: %v, the new one: %v", gone, now)
		}
		return errors.Join(err1, err2)
	})
	if err != nil {
		t.Error(err)
	}
}

// TestUpgradeDamaged holds that a release that cannot be read ends the upgrade
// before anything is lost: its file would count as unused.
func TestUpgradeDamaged(t *testing.T) {
	kv := readDump(t, 1)
	err := kv.Update(t.Context(), func(tx store.Txn) error {
		return tx.Put(store.Releases, []byte("\x00\x00\x00\x01zz\x00v"), []byte{1, 2, 3})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.New(t.Context(), kv); err == nil || !strings.Contains(err.Error(), "from schema 1 to 2") || !strings.Contains(err.Error(), "zz") {
		t.Errorf("an upgrade over a damaged release: %v", err)
	}
}
