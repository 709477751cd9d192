package mem_test

import (
	"testing"

	"nougat/store"
	"nougat/store/mem"
	"nougat/store/storetest"
)

func open(_ testing.TB, hooks store.Hooks) store.KV { return mem.New(hooks) }

func TestKV(t *testing.T) { storetest.RunKV(t, open) }

func TestStore(t *testing.T) { storetest.Run(t, open) }
