;; A component of the world gpx:plugin/data-source, with the canonical ABI written by hand. `guest.rs` fills in the
;; places that are marked like `(; this ;)`. What the component does is in `module.wat`.
(component
  ;; ---- imports ----

  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))

  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $theirs))
    (export "pollable" (type $pollable (eq $theirs)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))

  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error))

  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type $output-stream (sub resource)))
    (alias outer 1 $error (type $theirs))
    (export "error" (type $error (eq $theirs)))
    (type $failure (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failure)))
    (export "[method]output-stream.blocking-write-and-flush" (func
      (param "self" (borrow $output-stream)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))

  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output-stream (type $theirs))
    (export "output-stream" (type $output-stream (eq $theirs)))
    (export "get-stdout" (func (result (own $output-stream))))))

  (import "wasi:cli/stderr@0.2.0" (instance $stderr
    (alias outer 1 $output-stream (type $theirs))
    (export "output-stream" (type $output-stream (eq $theirs)))
    (export "get-stderr" (func (result (own $output-stream))))))

  (import "gpx:plugin/tracer@0.1.0" (instance $tracer
    (type $value' (variant (case "text" string) (case "boolean" bool) (case "integer" s64) (case "float" f64)
      (case "texts" (list string)) (case "booleans" (list bool)) (case "integers" (list s64))
      (case "floats" (list f64))))
    (export "value" (type $value (eq $value')))
    (type $attribute' (record (field "key" string) (field "value" $value)))
    (export "attribute" (type $attribute (eq $attribute')))
    (type $kind' (enum "internal" "client" "server" "producer" "consumer"))
    (export "span-kind" (type $kind (eq $kind')))
    (type $context' (record (field "trace-id" string) (field "span-id" string) (field "sampled" bool)
      (field "trace-state" string)))
    (export "span-context" (type $context (eq $context')))
    (type $link' (record (field "context" $context) (field "attributes" (list $attribute))))
    (export "link" (type $link (eq $link')))
    (type $options' (record (field "kind" $kind) (field "attributes" (list $attribute)) (field "links" (list $link))
      (field "parent" (option $context)) (field "start-time" (option u64)) (field "detached" bool)))
    (export "start-options" (type $options (eq $options')))
    (export "span" (type $span (sub resource)))
    (export "start" (func (param "name" string) (param "options" $options) (result (own $span))))))

  (import "gpx:plugin/response@0.1.0" (instance $response
    (type $header' (record (field "name" string) (field "value" string)))
    (export "header" (type $header (eq $header')))
    (type $send-error' (enum "closed" "misuse"))
    (export "send-error" (type $send-error (eq $send-error')))
    (export "response-sender" (type $sender (sub resource)))
    (export "[method]response-sender.start" (func (param "self" (borrow $sender)) (param "status" u16)
      (param "headers" (list $header)) (result (result (error $send-error)))))
    (export "[method]response-sender.send" (func (param "self" (borrow $sender)) (param "body" (list u8))
      (result (result (error $send-error)))))))
  (alias export $response "response-sender" (type $response-sender))

  ;; ---- code ----

  (core module $Memory
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 16384))

    ;; Nothing is freed: an instance answers a few calls.
    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get $size)))
      (loop $more
        (if (i32.gt_u (global.get $free) (i32.shl (memory.size) (i32.const 16)))
          (then
            (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
            (br $more))))
      (local.get $at)))

  (; module ;)

  (core instance $memory (instantiate $Memory))
  (alias core export $memory "memory" (core memory $m))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $drop-pollable (canon resource.drop $pollable))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $get-stderr (canon lower (func $stderr "get-stderr")))
  (core func $write
    (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $m)))
  (core func $drop-stream (canon resource.drop $output-stream))
  (core func $start-span (canon lower (func $tracer "start") (memory $m)))
  (core func $start-response (canon lower (func $response "[method]response-sender.start") (memory $m)))
  (core func $send (canon lower (func $response "[method]response-sender.send") (memory $m)))
  (core func $drop-response (canon resource.drop $response-sender))
  (core instance $main (instantiate $Main
    (with "memory" (instance $memory))
    (with "host" (instance
      (export "subscribe" (func $subscribe))
      (export "block" (func $block))
      (export "drop-pollable" (func $drop-pollable))
      (export "stdout" (func $get-stdout))
      (export "stderr" (func $get-stderr))
      (export "write" (func $write))
      (export "drop-stream" (func $drop-stream))
      (export "start-span" (func $start-span))
      (export "start-response" (func $start-response))
      (export "send" (func $send))
      (export "drop-response" (func $drop-response))))))

  ;; ---- exports ----

  (type $value (variant (case "text" string) (case "boolean" bool) (case "integer" s64) (case "float" f64)
    (case "texts" (list string)) (case "booleans" (list bool)) (case "integers" (list s64))
    (case "floats" (list f64))))
  (type $attribute (record (field "key" string) (field "value" $value)))
  (type $header (record (field "name" string) (field "value" string)))
  (type $time-range (record (field "start" s64) (field "end" s64)))
  (type $fault-source (enum "plugin" "downstream"))
  (type $fault (record (field "status" u16) (field "message" string) (field "source" $fault-source)))

  (type $manifest (record (field "sdk" string) (field "attributes" (list $attribute))
    (field "secrets" (list string)) (field "origins" (list string)) (field "headers" (list string))))
  (type $kind (enum "data-source" "app" "none"))
  (type $secret (record (field "name" string) (field "value" string)))
  (type $operator (record (field "name" string) (field "value" string)))
  (type $settings (record (field "kind" $kind) (field "id" s64) (field "uid" string) (field "name" string)
    (field "url" string) (field "user" string) (field "database" string) (field "basic-auth" (option string))
    (field "json" (list u8)) (field "secrets" (list $secret)) (field "operator" (list $operator))
    (field "updated" s64) (field "api-version" string)))
  (func $describe (result $manifest) (canon lift (core func $main "describe") (memory $m)))
  (func $open (param "settings" $settings) (result (result (error $fault)))
    (canon lift (core func $main "open") (memory $m) (realloc $realloc)))
  (instance $plugin
    (export "value" (type $value))
    (export "attribute" (type $attribute))
    (export "fault-source" (type $fault-source))
    (export "fault" (type $fault))
    (export "manifest" (type $manifest))
    (export "settings-kind" (type $kind))
    (export "secret" (type $secret))
    (export "operator-setting" (type $operator))
    (export "settings" (type $settings))
    (export "describe" (func $describe))
    (export "open" (func $open)))

  (type $query (record (field "ref-id" string) (field "query-type" string) (field "max-data-points" s64)
    (field "interval-ms" s64) (field "time-range" $time-range) (field "json" (list u8)) (field "index" u32)
    (field "count" u32)))
  (type $label (record (field "name" string) (field "value" string)))
  (type $texts (record (field "offsets" (list s32)) (field "bytes" (list u8))))
  (type $booleans (record (field "rows" u32) (field "bits" (list u8))))
  (type $column (variant (case "time" (list s64)) (case "text" $texts) (case "boolean" $booleans)
    (case "int8" (list s8)) (case "int16" (list s16)) (case "int32" (list s32)) (case "int64" (list s64))
    (case "uint8" (list u8)) (case "uint16" (list u16)) (case "uint32" (list u32)) (case "uint64" (list u64))
    (case "float32" (list f32)) (case "float64" (list f64)) (case "json" $texts) (case "enumeration" (list u16))))
  (type $field (record (field "name" string) (field "labels" (option (list $label)))
    (field "config" (option string)) (field "validity" (option (list u8))) (field "column" $column)))
  (type $frame (record (field "name" string) (field "ref-id" string) (field "meta" (option string))
    (field "fields" (list $field))))
  (type $answer (record (field "ref-id" string) (field "frames" (list $frame))
    (field "outcome" (result u16 (error $fault)))))
  (func $query-data (param "query" $query) (result (result (list $answer) (error $fault)))
    (canon lift (core func $main "query-data") (memory $m) (realloc $realloc)))
  (instance $data
    (export "fault-source" (type $fault-source))
    (export "fault" (type $fault))
    (export "time-range" (type $time-range))
    (export "query" (type $query))
    (export "label" (type $label))
    (export "texts" (type $texts))
    (export "booleans" (type $booleans))
    (export "column" (type $column))
    (export "field" (type $field))
    (export "frame" (type $frame))
    (export "answer" (type $answer))
    (export "query-data" (func $query-data)))

  (type $health-status (enum "unknown" "ok" "error"))
  (type $health (record (field "status" $health-status) (field "message" string) (field "details" (option string))))
  (func $check-health (result (result $health (error $fault)))
    (canon lift (core func $main "check-health") (memory $m)))
  (instance $diagnostics
    (export "fault-source" (type $fault-source))
    (export "fault" (type $fault))
    (export "health-status" (type $health-status))
    (export "health" (type $health))
    (export "check-health" (func $check-health)))

  (type $request (record (field "path" string) (field "method" string) (field "url" string)
    (field "headers" (list $header)) (field "body" (list u8))))
  (func $call (param "request" $request) (param "response" (own $response-sender)) (result (result (error $fault)))
    (canon lift (core func $main "call") (memory $m) (realloc $realloc)))
  (instance $resource
    (export "fault-source" (type $fault-source))
    (export "fault" (type $fault))
    (export "header" (type $header))
    (export "request" (type $request))
    (export "call" (func $call)))

  (; exports ;))
