import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Call,
  check,
  HistoryFormatError,
  models,
  parseJepsenLog,
} from "../../../../lab/engine/history/mod.ts";

const timeout = 10_000;

/** A log of the given lines, without what every line begins with. */
function log(...lines: string[]): string {
  return lines.map((line) => `INFO  jepsen.util - ${line}\n`).join("");
}

/** What became of each call of a log. */
function outcomes(text: string): Call["outcome"][] {
  return parseJepsenLog(text).map(({ outcome }) => outcome);
}

/** That a log cannot be read, with the line that is named and what is said of it. */
function refuses(text: string, line: number, problem: string): void {
  assert.throws(() => parseJepsenLog(text), (error) => {
    assert(error instanceof HistoryFormatError);
    assert.equal(error.message, `Cannot read history: line ${line}: ${problem}`);
    assert.equal(error.line, line);
    assert.equal(error.name, "HistoryFormatError");
    return true;
  });
}

describe("parseJepsenLog() reads", () => {
  test("nothing out of nothing", { timeout }, () => {
    assert.deepEqual(parseJepsenLog(""), []);
    assert.deepEqual(parseJepsenLog("\n \r\n\t\n"), []);
  });

  test("calls with what they were given and answered, and the numbers of their lines", {
    timeout,
  }, () => {
    const text = log(
      "0\t:invoke\t:read\tnil",
      "12\t:invoke\t:cas\t[3 4]",
      "0\t:ok\t:read\t3",
      "12\t:ok\t:cas\t[3 4]",
    );
    assert.deepEqual(parseJepsenLog(text), [
      {
        process: 0,
        name: "read",
        object: undefined,
        input: undefined,
        outcome: "ok",
        output: 3,
        invoked: 1,
        returned: 3,
        line: 1,
      },
      {
        process: 12,
        name: "cas",
        object: undefined,
        input: [3, 4],
        outcome: "ok",
        output: undefined,
        invoked: 2,
        returned: 4,
        line: 2,
      },
    ]);
  });

  test("nil as an answer", { timeout }, () => {
    const [{ output }] = parseJepsenLog(log("0\t:invoke\t:read\tnil", "0\t:ok\t:read\tnil"));
    assert.equal(output, null);
  });

  test("a call that failed as one that did not happen", { timeout }, () => {
    const text = log(
      "0\t:invoke\t:write\t1",
      "1\t:invoke\t:cas\t[nil 2]",
      "2\t:invoke\t:read\tnil",
      "0\t:fail\t:write\t1",
      "1\t:fail\t:cas\t[nil 2]",
      "2\t:fail\t:read\t:timed-out",
      "3\t:invoke\t:read\tnil",
      "3\t:ok\t:read\tnil",
    );
    assert.deepEqual(outcomes(text), ["failed", "failed", "failed", "ok"]);
    assert.equal(check(parseJepsenLog(text), models.casRegister()).verdict, "ok");
  });

  test("a call of unknown outcome as one that may take effect much later, or never", {
    timeout,
  }, () => {
    const before = ["0\t:invoke\t:write\t1", "0\t:info\t:write\t:timed-out"];
    const read = (value: string) => ["1\t:invoke\t:read\tnil", `1\t:ok\t:read\t${value}`];
    const verdict = (...lines: string[]) =>
      check(parseJepsenLog(log(...before, ...lines)), models.casRegister()).verdict;
    assert.equal(verdict(...read("nil"), ...read("1")), "ok");
    assert.equal(verdict(...read("nil"), ...read("nil")), "ok");
    assert.equal(verdict(...read("1"), ...read("nil")), "illegal");
  });

  test("a call that never ends as open", { timeout }, () => {
    const text = log("0\t:invoke\t:write\t1", "1\t:invoke\t:read\tnil", "1\t:ok\t:read\t1");
    assert.deepEqual(outcomes(text), ["open", "ok"]);
    assert.equal(check(parseJepsenLog(text), models.casRegister()).verdict, "ok");
  });

  test("on, for a process whose call is open", { timeout }, () => {
    const text = log(
      "0\t:invoke\t:write\t1",
      "0\t:info\t:write\t:timed-out",
      "0\t:invoke\t:read\tnil",
      "0\t:ok\t:read\tnil",
    );
    assert.deepEqual(outcomes(text), ["open", "ok"]);
  });

  test("any white space between columns, around lines and at their ends", { timeout }, () => {
    const text = [
      "",
      "  INFO jepsen.util -   0   :invoke \t :write    1  ",
      "\tINFO\tjepsen.util\t- 0 :ok\t:write 1\t\r",
      "INFO  jepsen.util - 1\t:invoke\t:cas\t[ 1,  2 ]",
      "INFO  jepsen.util - 1\t:ok\t:cas\t[1\t2]",
      "   ",
    ].join("\n");
    assert.deepEqual(
      parseJepsenLog(text).map(({ input, outcome, line }) => [input, outcome, line]),
      [
        [1, "ok", 2],
        [[1, 2], "ok", 4],
      ],
    );
  });

  test("values of every kind, and large processes", { timeout }, () => {
    const text = log(
      "1234567890123\t:invoke\t:write\t-5",
      "1234567890123\t:ok\t:write\t-5",
      '0\t:invoke\t:write\t"a b"',
      '0\t:ok\t:write\t"a b"',
      "1\t:invoke\t:write\t123456789012345678901234567890",
      "1\t:invoke\t:write\tnil".replace("1", "2"),
      "3\t:invoke\t:cas\t[nil 4]",
    );
    assert.deepEqual(parseJepsenLog(text).map(({ input }) => input), [
      -5,
      "a b",
      123456789012345678901234567890n,
      null,
      [null, 4],
    ]);
  });

  test("lines of every version of Jepsen, with threads and times", { timeout }, () => {
    const text = [
      "INFO [2017-03-30 22:38:51,892] jepsen worker 1 - jepsen.util 1  :invoke :cas  [3 1]",
      "WARN [2017-03-30 22:38:51,936] jepsen worker 1 - jepsen.core Process 1 indeterminate",
      'clojure.lang.ExceptionInfo: throw+: {:errorCode 100, :message "Key not found"}',
      "  at slingshot.support$stack_trace.invoke(support.clj:201)",
      "",
      "  ... 6 more",
      "INFO [2017-03-30 22:38:51,940] jepsen worker 1 - jepsen.util 1\t:info\t:cas\t[3 1]\t:timeout",
      "2021-02-26 23:39:01,300{GMT}\tINFO\t[jepsen worker 2] jepsen.util: 2\t:invoke\t:write\t-7",
      "2021-02-26 23:39:01,301{GMT}\tINFO\t[jepsen test runner] jepsen.core: Relative time",
      "2021-02-26 23:39:01,303{GMT}\tINFO\t[jepsen worker 2] jepsen.util: 2\t:ok\t:write\t-7\r",
      "Jan 05 18:11:47 n1 INFO  jepsen.util - 3\t:invoke\t:read\tnil",
    ].join("\n");
    assert.deepEqual(
      parseJepsenLog(text).map((
        { input, outcome, line, returned },
      ) => [line, input, outcome, returned]),
      [[1, [3, 1], "open", undefined], [8, -7, "ok", 10], [11, undefined, "open", undefined]],
    );
  });

  test("past what Jepsen adds on what went wrong, whatever it is", { timeout }, () => {
    const text = log(
      "0\t:invoke\t:cas\t[1 3]",
      "0\t:fail\t:cas\t[1 3]\tsql: OK OK 1 row val 4 (it's",
      "1   :invoke :cas    [0 4]",
      "1   :ok     :cas    [0 4]   sql: OK 1 row",
      "2\t:invoke\t:write\t1",
      '2\t:fail\t:write\t1\t[11 "not a leader"]',
      "3\t:invoke\t:read\tnil",
      "3\t:info\t:read\t#<Exception java.net.SocketException: closed",
      "4\t:invoke\t:write\t5",
      "4\t:ok\t:write\t5\t12 ms",
      ":nemesis\t:info\t:start\t#<Network 1/2",
      "5\t:invoke\t:write\t6",
      "5\t:info\t:write",
    );
    assert.deepEqual(outcomes(text), ["failed", "ok", "failed", "open", "ok", "open"]);
  });

  test("past what follows a value, other loggers and the nemesis", { timeout }, () => {
    const text = "INFO  jepsen.core - Running test\nWARN  jepsen.client - slow: [1 2\n" + log(
      ":nemesis\t:info\t:start\tnil",
      "0\t:invoke\t:write\t1\t:hint 0",
      ':nemesis\t:info\t:start\t"Cut off {:n1 #{:n2}}"',
      "0\t:info\t:write\t1\t:timeout",
      ":nemesis\t:info\t:stop\tnil",
    );
    assert.deepEqual(outcomes(text), ["open"]);
  });
});

describe("parseJepsenLog() refuses", () => {
  test("what is no line of a log", { timeout }, () => {
    refuses(log("0\t:invoke\t:read\tnil") + "hello", 2, "this is no line of a log: hello");
    refuses("0\t:invoke\t:read\tnil", 1, "this is no line of a log: 0\t:invoke\t:read\tnil");
    refuses(
      log("0\t:invoke\t:read\tnil") + "  at a.b(c.clj:2)",
      2,
      "this is no line of a log: at a.b(c.clj:2)",
    );
    refuses(
      "WARN  a.b - c\n0\t:invoke\t:read\tnil",
      2,
      "this is no line of a log: 0\t:invoke\t:read\tnil",
    );
    refuses("INFO  jepsen.uti", 1, "this is no line of a log: INFO  jepsen.uti");
  });

  test("a call told by another logger", { timeout }, () => {
    refuses(
      "INFO  jepsen.utli - 0\t:invoke\t:read\tnil",
      1,
      "a call is told by jepsen.utli, not by jepsen.util",
    );
    refuses(
      "INFO [1,2] jepsen worker 1 - jepsen.utli 1\t:invoke\t:read\tnil",
      1,
      "a call is told by jepsen.utli, not by jepsen.util",
    );
  });

  test("operations it does not know", { timeout }, () => {
    refuses(
      log("0\t:invoke\t:read\tnil", "1\t:invoke\t:delete\t1"),
      2,
      "unknown operation delete; known: read, write, cas",
    );
    refuses(
      log("0\t:invoke\t:constructor\tnil"),
      1,
      "unknown operation constructor; known: read, write, cas",
    );
    refuses(log("0\t:invoke\tread\tnil"), 1, "an operation is a keyword, this one is read");
  });

  test("types it does not know", { timeout }, () => {
    const expected = "a line is an :invoke, :ok, :fail or :info, this one is ";
    refuses(log("0\t:begin\t:read\tnil"), 1, `${expected}:begin`);
    refuses(log("0\tinvoke\t:read\tnil"), 1, `${expected}invoke`);
    refuses(log("0"), 1, `${expected}undefined`);
  });

  test("processes without a number", { timeout }, () => {
    const expected = "a process has a number, this one is ";
    refuses(log("a\t:invoke\t:read\tnil"), 1, `${expected}a`);
    refuses(log(":other\t:info\t:start\tnil"), 1, `${expected}:other`);
    refuses(log("-1\t:invoke\t:read\tnil"), 1, `${expected}-1`);
    refuses(log("1.5\t:invoke\t:read\tnil"), 1, `${expected}1.5`);
    refuses(log("\t:invoke\t:read\tnil"), 1, `${expected}:invoke`);
  });

  test("missing values, and more than one", { timeout }, () => {
    refuses(log("0\t:invoke\t:write"), 1, "the value of a write is missing");
    refuses(log("0\t:invoke\t:read\tnil", "0\t:ok\t:read"), 2, "the value of a read is missing");
    refuses(log("0\t:invoke\t:write\t1 2"), 1, "something follows the value: 2");
    refuses(
      log("0\t:invoke\t:read\tnil", "0\t:ok\t:read\t1 2"),
      2,
      "something follows the value: 2",
    );
  });

  test("values that are none of the operation's", { timeout }, () => {
    refuses(log("0\t:invoke\t:read\t3"), 1, "a read is invoked with nil, not with 3");
    refuses(
      log("0\t:invoke\t:cas\t[1 2 3]"),
      1,
      "the value of a cas is a pair [expected next], not [1, 2, 3]",
    );
    refuses(log("0\t:invoke\t:cas\t1"), 1, "the value of a cas is a pair [expected next], not 1");
    refuses(log("0\t:invoke\t:write\t:x"), 1, "the value of a write is data, not :x");
    refuses(
      log("0\t:invoke\t:read\tnil", "0\t:ok\t:read\t:timed-out"),
      2,
      "the value of a read is data, not :timed-out",
    );
  });

  test("values that cannot be read", { timeout }, () => {
    refuses(log("0\t:invoke\t:write\t[1 2"), 1, "[ is not closed");
    refuses(log("0\t:invoke\t:write\t1x"), 1, "cannot read 1x");
  });

  test("a process that is invoked again before its call has ended", { timeout }, () => {
    refuses(
      log("0\t:invoke\t:read\tnil", "1\t:invoke\t:read\tnil", "0\t:invoke\t:write\t1"),
      3,
      "process 0 is invoked again before its read of line 1 ended",
    );
  });

  test("an end without a beginning", { timeout }, () => {
    refuses(log("0\t:ok\t:read\t1"), 1, "process 0 ends a read it has not begun");
    refuses(
      log("0\t:invoke\t:read\tnil", "0\t:ok\t:read\t1", "0\t:ok\t:read\t1"),
      3,
      "process 0 ends a read it has not begun",
    );
    refuses(
      log("0\t:invoke\t:write\t1", "0\t:info\t:write\t:timed-out", "0\t:ok\t:write\t1"),
      3,
      "process 0 ends a write it has not begun",
    );
  });

  test("an end of something else", { timeout }, () => {
    refuses(
      log("0\t:invoke\t:write\t1", "0\t:ok\t:read\t1"),
      2,
      "process 0 ends a read, but began a write in line 1",
    );
    refuses(
      log("0\t:invoke\t:write\t1", "0\t:ok\t:write\t2"),
      2,
      "process 0 ends a write of 2, but began a write of 1 in line 1",
    );
    refuses(
      log("0\t:invoke\t:cas\t[1 2]", "0\t:ok\t:cas\t[1 3]"),
      2,
      "process 0 ends a cas of [1, 3], but began a cas of [1, 2] in line 1",
    );
  });
});
