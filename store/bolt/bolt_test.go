package bolt_test

import (
	"testing"

	"nougat/store"
	"nougat/store/bolt"
	"nougat/store/storetest"
)

func open(t testing.TB, hooks store.Hooks) store.KV {
	t.Helper()
	kv, err := bolt.Open(t.TempDir(), bolt.Options{Hooks: hooks})
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

func TestKV(t *testing.T) { storetest.RunKV(t, open) }

func TestStore(t *testing.T) { storetest.Run(t, open) }
