;; The component of the tests does what its caller says, in a script with one command on each line. `guest.rs` fills in
;; the places that are marked like `(; this ;)`, and replaces a quoted string with its address and its length.
;;
;; Memory: results and what is passed by pointer from 16 on, strings of the test from 1024, the answer from 8192, filler
;; for output from 12288, and what the host allocates from 16384.
(core module $Main
  (import "memory" "memory" (memory 1))
  (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
  (import "host" "block" (func $block (param i32)))
  (import "host" "drop-pollable" (func $drop-pollable (param i32)))
  (import "host" "stdout" (func $stdout (result i32)))
  (import "host" "stderr" (func $stderr (result i32)))
  (import "host" "write" (func $write (param i32 i32 i32 i32)))
  (import "host" "drop-stream" (func $drop-stream (param i32)))
  (import "host" "start-span" (func $start-span (param i32) (result i32)))
  (import "host" "start-response" (func $start-response (param i32 i32 i32 i32 i32)))
  (import "host" "send" (func $host-send (param i32 i32 i32 i32)))
  (import "host" "drop-response" (func $drop-response (param i32)))
  (import "host" "send-frame" (func $send-frame (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "host" "send-fault" (func $send-fault (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "host" "drop-chunks" (func $drop-chunks (param i32)))

  ;; The manifest at 128. It asks for the secret whose name is at 968.
  (data (i32.const 144) "\c0\03\00\00\01\00\00\00")
  (data (i32.const 960) "\c8\03\00\00\05\00\00\00token")
  (; texts ;)
  (; start ;)

  ;; How often this instance was opened, and how many other calls it has answered.
  (global $opened (mut i32) (i32.const 0))
  (global $calls (mut i32) (i32.const 0))
  ;; The address of the settings that `open` received.
  (global $settings (mut i32) (i32.const 0))
  ;; The address and the length of the answer.
  (global $speech (mut i32) (i32.const 8192))
  (global $said (mut i32) (i32.const 0))
  ;; The index of the query in its request. Its name is at 24.
  (global $index (mut i32) (i32.const 0))
  (global $count (mut i32) (i32.const 0))
  ;; The sender that answers a resource call or a chunked query.
  (global $sender (mut i32) (i32.const 0))
  ;; The word of the command, and the part of its line that has not been read yet.
  (global $word (mut i32) (i32.const 0))
  (global $word-length (mut i32) (i32.const 0))
  (global $next (mut i32) (i32.const 0))
  (global $end (mut i32) (i32.const 0))

  (func $run (param $script i32) (param $length i32)
    (local $last i32)
    (local.set $last (i32.add (local.get $script) (local.get $length)))
    (global.set $next (local.get $script))
    (loop $line
      (if (i32.ge_u (global.get $next) (local.get $last)) (then (return)))
      (global.set $end (call $find (i32.const 10) (local.get $last)))
      (global.set $word (global.get $next))
      (global.set $next (call $find (i32.const 32) (global.get $end)))
      (global.set $word-length (i32.sub (global.get $next) (global.get $word)))
      (call $skip)
      (call $command)
      (global.set $next (i32.add (global.get $end) (i32.const 1)))
      (br $line)))

  (func $command
    (if (call $is 'count') (then (call $say-number (global.get $calls)) (return)))
    (if (call $is 'rows') (then (call $rows (call $number)) (return)))
    (if (call $is 'opened') (then (call $say-number (global.get $opened)) (return)))
    (if (call $is 'say') (then (call $say (call $text)) (return)))
    (if (call $is 'place')
      (then
        (call $say-number (global.get $index)) (call $say '/') (call $say-number (global.get $count)) (return)))
    (if (call $is 'ref-id') (then (call $say-list (i32.const 24)) (return)))
    ;; A setting by its offset: 16 is the uid, 32 the URL.
    (if (call $is 'setting') (then (call $say-list (i32.add (global.get $settings) (call $number))) (return)))
    ;; Fails with the frame; `status` succeeds with this status.
    (if (call $is 'part') (then (call $part (call $number) (call $number) (call $text)) (return)))
    (if (call $is 'status') (then (i32.store16 (i32.const 420) (call $number)) (return)))
    (if (call $is 'fail') (then (call $fail (call $number) (call $number) (call $text)) (return)))
    ;; Fails with a message of so many bytes; `say-long` answers with one, and `details-long` gives such details.
    (if (call $is 'fail-long') (then (call $fail (i32.const 500) (i32.const 0) (call $long (call $number))) (return)))
    (if (call $is 'say-long') (then (call $long (call $number)) (global.set $said) (global.set $speech) (return)))
    (if (call $is 'details-long') (then (call $option (i32.const 48) (call $long (call $number))) (return)))
    (if (call $is 'trap') (then unreachable))
    (if (call $is 'divide') (then (drop (i32.div_u (i32.const 1) (call $number))) (return)))
    (if (call $is 'outside') (then (drop (i32.load (i32.const -8)))))
    (if (call $is 'recurse') (then (drop (call $recurse))))
    (if (call $is 'sink') (then (call $sink (i32.const 65000))))
    (if (call $is 'loop') (then (loop $forever (br $forever))))
    (if (call $is 'compute') (then (call $compute (i64.extend_i32_u (call $number))) (return)))
    (if (call $is 'wait') (then (call $wait (i64.extend_i32_u (call $number))) (return)))
    ;; Takes more pages of 64 KiB, or traps; `try` continues without them.
    (if (call $is 'need') (then (if (i32.eq (memory.grow (call $number)) (i32.const -1)) (then unreachable)) (return)))
    (if (call $is 'try') (then (drop (memory.grow (call $number))) (return)))
    ;; Prints a line, or a part of one.
    (if (call $is 'out') (then (call $print-line (call $stdout) (call $text)) (return)))
    (if (call $is 'err') (then (call $print-line (call $stderr) (call $text)) (return)))
    (if (call $is 'out-part') (then (call $print (call $stdout) (call $text)) (return)))
    (if (call $is 'err-part') (then (call $print (call $stderr) (call $text)) (return)))
    (if (call $is 'flood') (then (call $flood (call $number)) (return)))
    (if (call $is 'span') (then (call $span (call $text)) (return)))
    (if (call $is 'spans') (then (call $spans (call $number)) (return)))
    ;; Traps if the host refuses it; `refused` traps if the host accepts it.
    (if (call $is 'start') (then (if (call $start (call $number)) (then unreachable)) (return)))
    (if (call $is 'refused') (then (if (i32.eqz (call $start (call $number))) (then unreachable)) (return)))
    (if (call $is 'send') (then (if (call $send (call $text)) (then unreachable)) (return)))
    (if (call $is 'send-on') (then (loop $on (br_if $on (i32.eqz (call $send (call $text))))) (return)))
    ;; Sends a chunk of the frame with this id, or an error; both trap if the host refuses it. `chunk-on` sends until then.
    (if (call $is 'chunk') (then (if (call $chunk (call $text)) (then unreachable)) (return)))
    (if (call $is 'chunk-on') (then (loop $on (br_if $on (i32.eqz (call $chunk (call $text))))) (return)))
    (if (call $is 'chunk-fail') (then (call $chunk-fail (call $number) (call $number) (call $text)) (return)))
    (if (call $is 'keep') (then (global.set $sender (i32.const 0)) (return)))
    (if (call $is 'meta') (then (call $option (i32.const 80) (call $text)) (return)))
    (if (call $is 'details') (then (call $option (i32.const 48) (call $text)) (return)))
    (if (call $is 'health') (then (i32.store (i32.const 36) (call $number)) (return)))
    unreachable)

  ;; Reading a script.

  ;; Returns the address of the next such byte before `end`; otherwise `end`.
  (func $find (param $byte i32) (param $end i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $next))
    (loop $more
      (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (local.get $end))))
      (if (i32.eq (i32.load8_u (local.get $at)) (local.get $byte)) (then (return (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $more))
    unreachable)

  ;; Skips the space after a word, if the line continues.
  (func $skip
    (if (i32.lt_u (global.get $next) (global.get $end))
      (then (global.set $next (i32.add (global.get $next) (i32.const 1))))))

  ;; Returns whether this is the word of the command.
  (func $is (param $text i32) (param $length i32) (result i32)
    (if (i32.ne (local.get $length) (global.get $word-length)) (then (return (i32.const 0))))
    (loop $more
      (if (i32.eqz (local.get $length)) (then (return (i32.const 1))))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br_if $more (i32.eq
        (i32.load8_u (i32.add (local.get $text) (local.get $length)))
        (i32.load8_u (i32.add (global.get $word) (local.get $length))))))
    (i32.const 0))

  (func $number (result i32)
    (local $number i32) (local $last i32)
    (local.set $last (call $find (i32.const 32) (global.get $end)))
    (loop $more
      (if (i32.lt_u (global.get $next) (local.get $last))
        (then
          (local.set $number (i32.add
            (i32.mul (local.get $number) (i32.const 10))
            (i32.sub (i32.load8_u (global.get $next)) (i32.const 48))))
          (call $skip)
          (br $more))))
    (call $skip)
    (local.get $number))

  ;; Returns the rest of the line.
  (func $text (result i32 i32)
    (global.get $next) (i32.sub (global.get $end) (global.get $next)))

  ;; Executing commands.

  ;; Adds a string to the answer: the name of the frame of a query, or the message of a health check.
  (func $say (param $text i32) (param $length i32)
    (memory.copy (i32.add (i32.const 8192) (global.get $said)) (local.get $text) (local.get $length))
    (global.set $said (i32.add (global.get $said) (local.get $length))))

  ;; Adds the string whose address and length are at this address.
  (func $say-list (param $at i32)
    (call $say (i32.load (local.get $at)) (i32.load offset=4 (local.get $at))))

  (func $say-number (param $number i32)
    (if (i32.ge_u (local.get $number) (i32.const 10))
      (then (call $say-number (i32.div_u (local.get $number) (i32.const 10)))))
    (i32.store8 (i32.const 16) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
    (call $say (i32.const 16) (i32.const 1)))

  ;; Fails with this status, source (0 the plugin, 1 downstream) and message.
  (func $fail (param $status i32) (param $source i32) (param $text i32) (param $length i32)
    (i32.store (i32.const 32) (i32.const 1))
    (i32.store (i32.const 36) (local.get $status))
    (i32.store (i32.const 40) (local.get $text))
    (i32.store (i32.const 44) (local.get $length))
    (i32.store (i32.const 48) (local.get $source)))

  ;; The same, as the outcome of the answer at 400.
  (func $part (param $status i32) (param $source i32) (param $text i32) (param $length i32)
    (i32.store (i32.const 416) (i32.const 1))
    (i32.store (i32.const 420) (local.get $status))
    (i32.store (i32.const 424) (local.get $text))
    (i32.store (i32.const 428) (local.get $length))
    (i32.store (i32.const 432) (local.get $source)))

  ;; Answers a query with a column of so many booleans, whose bits are the memory from 0 on. The field is at 320.
  (func $rows (param $rows i32)
    (i32.store (i32.const 92) (i32.const 320))
    (i32.store (i32.const 96) (i32.const 1))
    (i32.store8 (i32.const 364) (i32.const 2))
    (i32.store (i32.const 368) (local.get $rows))
    (i32.store (i32.const 372) (i32.const 0))
    (i32.store (i32.const 376) (i32.shr_u (local.get $rows) (i32.const 3))))

  ;; Returns a text of so many bytes, in memory of its own.
  (func $long (param $bytes i32) (result i32 i32)
    (local $at i32)
    (local.set $at (memory.grow (i32.add (i32.shr_u (local.get $bytes) (i32.const 16)) (i32.const 1))))
    (if (i32.eq (local.get $at) (i32.const -1)) (then unreachable))
    (local.set $at (i32.shl (local.get $at) (i32.const 16)))
    (memory.fill (local.get $at) (i32.const 120) (local.get $bytes))
    (local.get $at) (local.get $bytes))

  ;; Calls itself forever. `sink` also uses memory below an address, as the second stack of a language does.
  (func $recurse (result i32)
    (i32.add (call $recurse) (i32.const 1)))
  (func $sink (param $stack i32)
    (i32.store (local.get $stack) (i32.const 0))
    (call $sink (i32.sub (local.get $stack) (i32.const 1024)))
    (i32.store (local.get $stack) (i32.const 1)))

  (func $compute (param $turns i64)
    (loop $more
      (local.set $turns (i64.sub (local.get $turns) (i64.const 1)))
      (br_if $more (i64.ne (local.get $turns) (i64.const 0)))))

  (func $wait (param $milliseconds i64)
    (local $pollable i32)
    (local.set $pollable (call $subscribe (i64.mul (local.get $milliseconds) (i64.const 1000000))))
    (call $block (local.get $pollable))
    (call $drop-pollable (local.get $pollable)))

  (func $print (param $stream i32) (param $text i32) (param $length i32)
    (call $write (local.get $stream) (local.get $text) (local.get $length) (i32.const 288))
    (call $drop-stream (local.get $stream)))

  (func $print-line (param $stream i32) (param $text i32) (param $length i32)
    (call $write (local.get $stream) (local.get $text) (local.get $length) (i32.const 288))
    (i32.store8 (i32.const 16) (i32.const 10))
    (call $print (local.get $stream) (i32.const 16) (i32.const 1)))

  ;; Prints 4096 bytes that are not UTF-8, this many times.
  (func $flood (param $times i32)
    (memory.fill (i32.const 12288) (i32.const 255) (i32.const 4096))
    (loop $more
      (call $print (call $stdout) (i32.const 12288) (i32.const 4096))
      (local.set $times (i32.sub (local.get $times) (i32.const 1)))
      (br_if $more (local.get $times))))

  ;; Starts a span, and leaves it open.
  (func $span (param $text i32) (param $length i32)
    (i32.store (i32.const 192) (local.get $text))
    (i32.store (i32.const 196) (local.get $length))
    (drop (call $start-span (i32.const 192))))

  ;; Starts so many spans, and keeps their handles.
  (func $spans (param $times i32)
    (loop $more
      (call $span 'span')
      (local.set $times (i32.sub (local.get $times) (i32.const 1)))
      (br_if $more (local.get $times))))

  ;; Both return 0 if the host accepts it.
  (func $start (param $status i32) (result i32)
    (call $start-response
      (global.get $sender) (local.get $status) (i32.const 0) (i32.const 0) (i32.const 304))
    (i32.load8_u (i32.const 304)))
  (func $send (param $text i32) (param $length i32) (result i32)
    (call $host-send (global.get $sender) (local.get $text) (local.get $length) (i32.const 304))
    (i32.load8_u (i32.const 304)))

  ;; The frame has a column of three booleans, whose bits are those of the number 5. The field is at 320.
  (func $chunk (param $text i32) (param $length i32) (result i32)
    (i32.store (i32.const 16) (i32.const 5))
    (i32.store8 (i32.const 364) (i32.const 2))
    (i32.store (i32.const 368) (i32.const 3))
    (i32.store (i32.const 372) (i32.const 16))
    (i32.store (i32.const 376) (i32.const 1))
    (call $send-frame
      (global.get $sender) (i32.load (i32.const 24)) (i32.load (i32.const 28))
      (local.get $text) (local.get $length)
      (local.get $text) (local.get $length) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 320) (i32.const 1) (i32.const 304))
    (i32.load8_u (i32.const 304)))
  (func $chunk-fail (param $status i32) (param $source i32) (param $text i32) (param $length i32)
    (call $send-fault
      (global.get $sender) (i32.load (i32.const 24)) (i32.load (i32.const 28))
      (local.get $status) (local.get $text) (local.get $length) (local.get $source) (i32.const 304))
    (if (i32.load8_u (i32.const 304)) (then unreachable)))

  ;; Sets the optional string at this address.
  (func $option (param $at i32) (param $text i32) (param $length i32)
    (i32.store (local.get $at) (i32.const 1))
    (i32.store offset=4 (local.get $at) (local.get $text))
    (i32.store offset=8 (local.get $at) (local.get $length)))

  ;; The exports: each clears the result at 32, the frame at 64 and the answer at 400, and runs a script.

  (func $begin
    (global.set $speech (i32.const 8192))
    (global.set $said (i32.const 0))
    (memory.fill (i32.const 32) (i32.const 0) (i32.const 72))
    (memory.fill (i32.const 400) (i32.const 0) (i32.const 36)))

  ;; Answers a call. For an empty script, it answers how many calls there have been.
  (func $answer (param $script i32) (param $length i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (if (local.get $length)
      (then (call $run (local.get $script) (local.get $length)))
      (else (call $run 'count'))))

  (func (export "describe") (result i32)
    (; describe ;)
    (i32.const 128))

  ;; The script is the JSON of the settings.
  (func (export "open") (param $given i32) (result i32)
    (global.set $settings (local.get $given))
    (global.set $opened (i32.add (global.get $opened) (i32.const 1)))
    (call $begin)
    (call $run (i32.load offset=68 (local.get $given)) (i32.load offset=72 (local.get $given)))
    (i32.const 32))

  ;; The script is the JSON of the query.
  (func (export "query-data")
    (param $ref-id i32) (param $ref-id-length i32) (param $type i32) (param $type-length i32)
    (param $points i64) (param $interval i64) (param $from i64) (param $to i64)
    (param $json i32) (param $json-length i32) (param $i i32) (param $n i32)
    (result i32)
    (call $begin)
    (i32.store (i32.const 24) (local.get $ref-id))
    (i32.store (i32.const 28) (local.get $ref-id-length))
    (global.set $index (local.get $i))
    (global.set $count (local.get $n))
    (call $answer (local.get $json) (local.get $json-length))
    (if (i32.eqz (i32.load (i32.const 32)))
      (then
        (i32.store (i32.const 36) (i32.const 400))
        (i32.store (i32.const 40) (i32.const 1))
        (i32.store (i32.const 408) (i32.const 64))
        (i32.store (i32.const 412) (i32.const 1))
        (i32.store (i32.const 64) (global.get $speech))
        (i32.store (i32.const 68) (global.get $said))))
    (i32.const 32))

  ;; The script is the JSON of the first query, whose name is that of the chunks.
  (func (export "query-chunked") (param $queries i32) (param $length i32) (param $given i32) (result i32)
    (call $begin)
    (global.set $sender (local.get $given))
    (i32.store (i32.const 24) (i32.load (local.get $queries)))
    (i32.store (i32.const 28) (i32.load offset=4 (local.get $queries)))
    (global.set $count (local.get $length))
    (call $answer (i32.load offset=48 (local.get $queries)) (i32.load offset=52 (local.get $queries)))
    (if (global.get $sender) (then (call $drop-chunks (global.get $sender))))
    (i32.const 32))

  ;; The script is the database of the settings.
  (func (export "check-health") (result i32)
    (call $begin)
    (i32.store (i32.const 36) (i32.const 1))
    (call $answer (i32.load offset=48 (global.get $settings)) (i32.load offset=52 (global.get $settings)))
    (if (i32.eqz (i32.load (i32.const 32)))
      (then
        (i32.store (i32.const 40) (global.get $speech))
        (i32.store (i32.const 44) (global.get $said))))
    (i32.const 32))

  ;; The script is the body of the request.
  (func (export "call")
    (param $path i32) (param $path-length i32) (param $method i32) (param $method-length i32)
    (param $url i32) (param $url-length i32) (param $headers i32) (param $headers-length i32)
    (param $body i32) (param $body-length i32) (param $given i32)
    (result i32)
    (call $begin)
    (global.set $sender (local.get $given))
    (call $answer (local.get $body) (local.get $body-length))
    (if (global.get $sender) (then (call $drop-response (global.get $sender))))
    (i32.const 32)))
