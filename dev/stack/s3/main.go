// The S3 gateway versitygw over a directory. Its own command also holds the clients of other clouds' storages and a test
// client, and takes longer to build.
//
//	ROOT_ACCESS_KEY=… ROOT_SECRET_KEY=… s3 <host:port> <directory>
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: s3 <host:port> <directory>")
	}
	address, directory := os.Args[1], os.Args[2]
	if err := (meta.XattrMeta{}).Test(directory); err != nil {
		log.Fatalf("%s: no extended attributes (user.*), which hold what S3 knows of an object beside its bytes: %v", directory, err)
	}
	store, err := posix.New(directory, meta.XattrMeta{}, posix.PosixOpts{Concurrency: 5000})
	if err != nil {
		log.Fatal(err)
	}
	ended, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The numbers are those of versitygw's own command.
	err = embedgw.RunVersityGW(ended, store, &embedgw.Config{
		RootUserAccess:    os.Getenv("ROOT_ACCESS_KEY"),
		RootUserSecret:    os.Getenv("ROOT_SECRET_KEY"),
		Ports:             []string{address},
		MaxConnections:    250000,
		MaxRequests:       100000,
		MultipartMaxParts: 10000,
		KeepAlive:         true,
		Quiet:             true,
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}
