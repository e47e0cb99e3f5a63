// The same request as a program.

/** Pictures are written by their beginning: a program names a file. */
function shortened(body) {
  let pictures = 0;
  const part = (part) => {
    const kind = ["image", "video"].find((kind) => part[kind]);
    return kind ? {[kind]: `${part[kind].slice(0, 22)}... (picture ${++pictures})`} : part;
  };
  return {...body, parts: body.parts.map(part)};
}

export function asCurl(origin, body) {
  const json = JSON.stringify(shortened(body), null, 2).replaceAll("'", "'\\''");
  return `curl ${origin}/ask -H 'Content-Type: application/json' -d '${json}'`;
}

export function asPython(origin, body) {
  const text = (value) => JSON.stringify(value);
  let number = 0;
  const part = (part) => {
    const kind = ["image", "video"].find((kind) => part[kind]);
    if (kind) return `{${text(kind)}: data("picture${++number}", ${text(part[kind].slice(5).split(";")[0])})}`;
    return part.end ? `{"end": True}` : text(part);
  };
  const rest = Object.entries(body).filter(([key]) => key !== "parts");
  return `import base64, json, urllib.request

def data(path, kind):
    return f"data:{kind};base64," + base64.b64encode(open(path, "rb").read()).decode()

body = {
    "parts": [
        ${body.parts.map(part).join(",\n        ")},
    ],
    ${rest.map(([key, value]) => `${text(key)}: ${text(value)},`).join("\n    ")}
}
request = urllib.request.Request("${origin}/ask", json.dumps(body).encode(), {"Content-Type": "application/json"})
print(json.load(urllib.request.urlopen(request))["text"])
`;
}
