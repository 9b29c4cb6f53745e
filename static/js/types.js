// types.js - the shapes that docs/API.md gives, as JSDoc types. No code runs here.

/**
 * @typedef {"queued"|"building"|"running"|"done"|"failed"|"cancelled"} RunStatus
 *
 * @typedef {object} Measure
 * @property {"changes"|"all"|"marks"} recording
 * @property {number|null} threshold
 * @property {"bounded"|"exact"|null} precision
 * @property {number|null} bound
 * @property {number} interval_us
 *
 * @typedef {object} Run
 * @property {number} id
 * @property {number} batch
 * @property {number|string} cell
 * @property {string} project
 * @property {{sha: string, subject: string|null}} commit
 * @property {{id: number, name: string}} python
 * @property {string} scenario
 * @property {Record<string, number|string|boolean>} params
 * @property {string} allocator
 * @property {Partial<Measure>} measure how it was measured; empty of imported runs
 * @property {number} sample
 * @property {RunStatus} status
 * @property {number|null} percent
 * @property {number} queued_ns
 * @property {number|null} started_ns
 * @property {number|null} finished_ns
 * @property {{id: number, status: string}|null} build
 * @property {number|null} base
 * @property {number|null} original
 * @property {number|null} tide_mark
 * @property {number|null} end
 * @property {number|null} floor
 * @property {number|null} wall_ns
 * @property {number|null} cpu_ns
 * @property {string|null} error
 *
 * @typedef {object} Batch
 * @property {number} id
 * @property {"queued"|"running"|"done"} status
 * @property {number} queued_ns
 * @property {number|null} finished_ns
 * @property {number} runs
 * @property {number} queued
 * @property {number} building
 * @property {number} running
 * @property {number} done
 * @property {number} failed
 * @property {number} percent
 * @property {number|null} eta_ns
 *
 * @typedef {object} TracedFunction
 * @property {number} id
 * @property {string} name
 * @property {string|null} file
 * @property {number|null} line
 * @property {string} kind
 *
 * @typedef {object} Curve
 * @property {number} run
 * @property {RunStatus} status
 * @property {number} points
 * @property {number|null} from_ns
 * @property {number|null} to_ns
 * @property {number|null} end_ns
 * @property {number[]} t_ns
 * @property {number[]} rss
 * @property {number[]} function
 * @property {TracedFunction[]} functions
 *
 * @typedef {{run: number, t_ns: number[], rss: number[]}} CurveGrowth
 *
 * @typedef {object} Python
 * @property {number} id
 * @property {string} name
 * @property {string} version
 * @property {string} abi
 * @property {string} program
 * @property {string} source
 * @property {boolean} usable
 * @property {string|null} reason
 *
 * @typedef {object} Project
 * @property {string} name
 * @property {string} repo
 * @property {string|null} branch null: the HEAD of the source
 * @property {string|null} [baseline] PYTHON, @COMMIT or PYTHON@COMMIT
 *
 * @typedef {{sha: string, subject: string, author: string, committed_ns: number}} Commit
 *
 * @typedef {object} Param
 * @property {string} name
 * @property {string} type
 * @property {number|string|boolean} default
 * @property {number|string|boolean} [demo]
 * @property {number} [minimum]
 * @property {number} [maximum]
 *
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} [project]
 * @property {string|null} title
 * @property {string} version
 * @property {string} module
 * @property {Param[]} params
 *
 * @typedef {object} Status
 * @property {string} version
 * @property {number} started_ns
 * @property {string} project
 * @property {{usable: number, unusable: number}} pythons
 * @property {{queued: number, building: number, running: number}} queue
 * @property {boolean} discovering
 * @property {string|null} trouble why nothing can be measured
 *
 * @typedef {object} Found
 * @property {"scenario"|"commit"|"function"|"run"|"project"|"python"} kind
 * @property {string} title
 * @property {string|null} [detail]
 * @property {string} link a view of this page, "#/..."
 *
 * @typedef {object} Problem
 * @property {string} type
 * @property {string} title
 * @property {number} status
 * @property {string} [field]
 * @property {string} [detail]
 * @property {string[]|string|object} [allowed]
 *
 * @typedef {object} TriggerRequest
 * @property {string} [project]
 * @property {(string|Record<string, string|number>)[]} [commits] revisions, ranges, "tags", "new",
 *   "missing", and ranges as objects
 * @property {string} [since]
 * @property {string} [until]
 * @property {number|string} [every]
 * @property {string[]} pythons
 * @property {string[]} scenarios
 * @property {Record<string, number|string|boolean>} [params]
 * @property {number|string} [samples]
 * @property {"demo"|"full"} [size]
 *
 * @typedef {object} Plan
 * @property {number} runs
 * @property {number} cells
 * @property {Commit[]} commits
 * @property {string[]} pythons
 * @property {string[]} scenarios
 * @property {{needed: number, cached: number, failed: number}} builds
 * @property {{commit: string, python: string, build: number, error: string}[]} known_failures
 * @property {{seconds: number|null, unknown_runs: number, unknown_builds: number}} estimate
 * @property {{what: string, why: string}[]} left_out
 */

export {};
