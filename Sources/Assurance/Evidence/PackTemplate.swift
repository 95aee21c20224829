/// The page of a pack, for `PackPage`. A table of text: longer than code should be.
enum PackTemplate {
  static let text = #"""
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>{{title}}</title>
    <style>
    :root { --text: #1c2024; --quiet: #5b6470; --line: #d8dce1; --page: #fff; --panel: #f6f7f9;
      --good: #0b6b3a; --bad: #b3261e; --wait: #7a5200; --good-back: #e5f4ea; --bad-back: #fce8e6; --wait-back: #fdf1d8; }
    @media (prefers-color-scheme: dark) { :root { --text: #e7eaee; --quiet: #9aa4b0; --line: #343a42; --page: #14171b;
      --panel: #1c2026; --good: #6fd49a; --bad: #ff9d94; --wait: #f0c36a; --good-back: #15301f; --bad-back: #3a1a18;
      --wait-back: #33280f; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--text);
      font: 16px/1.5 system-ui, sans-serif; }
    h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; }
    h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
    .verdict { border-left: .5rem solid; padding: 1rem 1.2rem; border-radius: .3rem; }
    .verdict p { margin: .4rem 0 0; color: var(--text); }
    .verdict.passed { border-color: var(--good); background: var(--good-back); }
    .verdict.failed { border-color: var(--bad); background: var(--bad-back); }
    .tag { display: inline-block; min-width: 5.2rem; text-align: center; padding: 0 .5rem; border-radius: .25rem;
      font-size: .85rem; font-weight: 600; }
    .tag.passed { color: var(--good); background: var(--good-back); }
    .tag.failed { color: var(--bad); background: var(--bad-back); }
    .tag.not-run, .tag.deferred { color: var(--wait); background: var(--wait-back); }
    details { border: 1px solid var(--line); border-radius: .3rem; margin: .4rem 0; background: var(--panel); }
    summary { cursor: pointer; padding: .5rem .8rem; }
    summary .meta { color: var(--quiet); font-size: .85rem; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; font-size: .88rem; background: var(--page); }
    th, td { text-align: left; vertical-align: top; padding: .35rem .7rem; border-top: 1px solid var(--line); }
    th { color: var(--quiet); font-weight: 600; }
    code, .mono { font: .82rem/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
    .quiet { color: var(--quiet); }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; margin: 0; }
    dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
    @media (max-width: 40rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
    </style>
    </head>
    <body>
    <header class="verdict {{class}}">
    <h1>{{title}}</h1>
    <p>{{audit}}</p>
    {{#isPreview}}<p>A preview: signed with a key that lies unprotected in its user&#39;s state folder. It is not a release.</p>{{/isPreview}}
    </header>
    {{#hasFaults}}
    <h2>Why it is refused</h2>
    <div class="scroll"><table>
    <tr><th>Check</th><th>What is wrong</th><th>Expected and found</th></tr>
    {{#faults}}<tr><td><span class="tag {{outcome}}">{{outcome}}</span><br><code>{{id}}</code></td>
    <td>{{message}}<br><span class="quiet">{{code}} {{source}}</span>{{#hasHint}}<br>{{hint}}{{/hasHint}}</td>
    <td class="mono">{{expected}}<br>{{found}}</td></tr>
    {{/faults}}
    </table></div>
    {{/hasFaults}}
    {{#hasDeferred}}
    <h2>Put off by the policy, not run</h2>
    <div class="scroll"><table>
    <tr><th>Requirement</th><th>Gate</th><th>Reason</th><th>Owner</th><th>Until</th></tr>
    {{#deferred}}<tr><td>{{requirement}}</td><td>{{gate}}</td><td>{{reason}}</td><td>{{owner}}</td><td>{{expires}}</td></tr>
    {{/deferred}}
    </table></div>
    {{/hasDeferred}}
    <h2>What was released</h2>
    <dl>
    {{#subjects}}<dt>{{name}}</dt><dd class="mono">{{digest}}</dd>{{/subjects}}
    <dt>Commit</dt><dd class="mono">{{commit}}</dd>
    <dt>Judged at</dt><dd>{{time}}</dd>
    <dt>Policy</dt><dd class="mono">{{policy}}</dd>
    <dt>Root of trust</dt><dd class="mono">{{root}}</dd>
    </dl>
    <h2>Gates</h2>
    {{#gates}}
    <details{{#open}} open{{/open}}>
    <summary><span class="tag {{class}}">{{outcome}}</span> <strong>{{id}}</strong> {{name}}
    <span class="meta">{{severity}}, {{requirements}}, {{count}} checks</span></summary>
    <div class="scroll"><table>
    <tr><th>Outcome</th><th>Check</th><th>Expected</th><th>Found</th><th>Rule</th></tr>
    {{#checks}}<tr><td><span class="tag {{outcome}}">{{outcome}}</span></td>
    <td><code>{{id}}</code><br>{{message}}{{#hasHint}}<br><span class="quiet">{{hint}}</span>{{/hasHint}}</td>
    <td class="mono">{{expected}}</td><td class="mono">{{found}}</td><td class="quiet">{{source}}</td></tr>
    {{/checks}}
    </table></div>
    </details>
    {{/gates}}
    <h2>Ledger</h2>
    <dl>
    <dt>Origin</dt><dd class="mono">{{origin}}</dd>
    <dt>Entries</dt><dd>{{size}}; this verdict is entry {{sequence}}</dd>
    <dt>Root hash</dt><dd class="mono">{{rootHash}}</dd>
    </dl>
    <h2>Components</h2>
    <div class="scroll"><table>
    <tr><th>Name</th><th>Version</th><th>Type</th><th>Package URL</th><th>SHA-256</th></tr>
    {{#components}}<tr><td>{{name}}</td><td>{{version}}</td><td>{{type}}</td><td class="mono">{{purl}}</td>
    <td class="mono">{{hash}}</td></tr>
    {{/components}}
    </table></div>
    <h2>The audit, check by check</h2>
    <details><summary>All checks of the audit</summary><div class="scroll"><table>
    <tr><th>Outcome</th><th>Check</th><th>Expected</th><th>Found</th></tr>
    {{#audited}}<tr><td><span class="tag {{outcome}}">{{outcome}}</span></td><td><code>{{id}}</code><br>{{message}}</td>
    <td class="mono">{{expected}}</td><td class="mono">{{found}}</td></tr>
    {{/audited}}
    </table></div></details>
    <p class="quiet">Verify this page's pack yourself: <code>rustynet-assure evidence verify evidence.pack --trust YOUR-TRUST.json</code></p>
    </body>
    </html>

    """#
}
