"""A second verifier, in plain Python: it follows docs/protocol.md and imports nothing of tacit.

`python -m spec.verify run.tacit --data data.commitment`
`python -m spec.verify report.tacit --run run.tacit --data data.commitment`

| sections of protocol.md | files |
|---|---|
| 1, 2, 14: field, encodings, files | field, wire, proof |
| 3, 13: records and statements | statement, seed, training, records, text, config, schedule, nowrap |
| 4, 6, 12: shapes, parameters, soundness | parameters, johnson |
| 5: transcript | transcript, keccak |
| 6, 7: a proof, the masked argument | relation, hiding |
| 8, 9: sub-protocols | bilinear, lookup |
| 10: relations | validity; layout, tables, terms, weights, chunk; release, tensors |
| 10.8: reports | report; report_statement, _rules, _claims; report_columns, _trace, _gates, _relation |
| 10.13: public models | report_model, report_public, tensors |
| 11, 12: opening | opening, oracle, whir |
| 13: the chain | chain |

`arithmetic` trains in Python integers; the verifier takes order, batch weights and tables from it.
"""
