// Ask, read the reply, and say that it was useful: with franz-go. Run `go mod tidy` once, then `go run . "Who wrote Faust?"`.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	namespace := setting("WEIR_NAMESPACE", "weir")
	started := time.Now()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(setting("KAFKA_BOOTSTRAP", "localhost:9092"), ",")...),
		// By time instead of by offset: no message is missed that the broker takes in after the start.
		kgo.ConsumeTopics(namespace+".replies"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AfterMilli(started.Add(-time.Minute).UnixMilli())),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()

	id := rand.Text()
	send(ctx, client, namespace+".requests", id, map[string]any{
		"app":      "default",
		"messages": []map[string]string{{"role": "user", "content": os.Args[1]}},
	})
	fmt.Println(reply(ctx, client, id))
	send(ctx, client, namespace+".feedback", "", map[string]any{"app": "default", "request_id": id, "thumb": "up"})
}

func send(ctx context.Context, client *kgo.Client, topic, id string, body any) {
	value, err := json.Marshal(body)
	if err != nil {
		log.Fatal(err)
	}
	record := &kgo.Record{Topic: topic, Value: value}
	if id != "" {
		record.Headers = []kgo.RecordHeader{{Key: "ce_id", Value: []byte(id)}}
	}
	if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
		log.Fatal(err)
	}
}

func reply(ctx context.Context, client *kgo.Client, id string) string {
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			log.Fatal("no reply within two minutes")
		}
		for _, record := range fetches.Records() {
			var found struct {
				RequestID string `json:"request_id"`
				Status    string `json:"status"`
				Text      string `json:"text"`
				Code      string `json:"code"`
				Final     bool   `json:"final"`
			}
			if json.Unmarshal(record.Value, &found) == nil && found.RequestID == id && found.Final {
				return found.Status + " " + found.Text + found.Code
			}
		}
	}
}
