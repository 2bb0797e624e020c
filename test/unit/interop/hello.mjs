/** A peer in small: says what it is given, in a line of JSON. */

const answer = (body) => process.stdout.write(`${JSON.stringify(body)}\n`);
answer({ id: 0, value: { hello: "1.0" } });
let text = "";
process.stdin.setEncoding("utf8").on("data", (chunk) => {
  text += chunk;
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
    const { id, value } = JSON.parse(text.slice(0, end));
    text = text.slice(end + 1);
    answer({ id, value });
  }
});
