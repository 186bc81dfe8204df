// SPDX-License-Identifier: Apache-2.0
// Compiles src/ into artifacts/ (`node compile.mjs`), or says whether the committed artifacts still come from the
// sources (`node compile.mjs --check`, exit code 1 and one line for each difference if not).
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import solc from 'solc'

const root = dirname(fileURLToPath(import.meta.url))
const artifactsFolder = join(root, 'artifacts')
const kSolcVersion = '0.8.37'

// No metadata trailer: the same source gives the same bytes wherever it is compiled.
const settings = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: 'cancun',
  viaIR: false,
  metadata: { bytecodeHash: 'none', appendCBOR: false },
}

// Every .sol file below `folder`, by its path from contracts/, in a fixed order.
function readSources(folder) {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  const sources = {}
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) Object.assign(sources, readSources(path))
    else if (entry.name.endsWith('.sol')) {
      sources[relative(root, path).split(sep).join('/')] = { content: readFileSync(path, 'utf8') }
    }
  }
  return sources
}

function runCompiler(sources) {
  if (!solc.version().startsWith(`${kSolcVersion}+`)) {
    throw new Error(`solc ${kSolcVersion} is needed, found ${solc.version()}: run npm ci`)
  }
  const outputSelection = { '*': { '*': ['abi', 'metadata', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } }
  const input = { language: 'Solidity', sources, settings: { ...settings, outputSelection } }
  const output = JSON.parse(solc.compile(JSON.stringify(input)))
  const complaints = (output.errors ?? []).filter((e) => e.severity !== 'info')
  if (complaints.length > 0) throw new Error(complaints.map((e) => e.formattedMessage).join('\n'))
  return output.contracts
}

// SHA-256 over the path and text of every file that went into one contract.
function hashSources(paths, sources) {
  const hash = createHash('sha256')
  for (const path of [...paths].sort()) hash.update(`${path}\0${sources[path].content}\0`)
  return `0x${hash.digest('hex')}`
}

// File name -> file text, for every contract that has code (interfaces, abstract ones and libraries inlined whole do not).
function makeArtifacts() {
  const sources = readSources(join(root, 'src'))
  const artifacts = new Map()
  for (const [path, contracts] of Object.entries(runCompiler(sources))) {
    if (path.startsWith('src/lib/')) continue
    for (const [contractName, contract] of Object.entries(contracts)) {
      if (contract.evm.bytecode.object === '') continue
      const name = `${contractName}.json`
      if (artifacts.has(name)) throw new Error(`two contracts are named ${contractName}: rename one`)
      const artifact = {
        contractName,
        sourceName: path,
        abi: contract.abi,
        bytecode: `0x${contract.evm.bytecode.object}`,
        deployedBytecode: `0x${contract.evm.deployedBytecode.object}`,
        compiler: `solc ${solc.version()}`,
        settings,
        sourceHash: hashSources(Object.keys(JSON.parse(contract.metadata).sources), sources),
      }
      artifacts.set(name, `${JSON.stringify(artifact, null, 2)}\n`)
    }
  }
  return artifacts
}

function committedNames() {
  mkdirSync(artifactsFolder, { recursive: true })
  return readdirSync(artifactsFolder).filter((name) => name.endsWith('.json'))
}

function write(artifacts) {
  for (const name of committedNames()) if (!artifacts.has(name)) rmSync(join(artifactsFolder, name))
  for (const [name, text] of artifacts) writeFileSync(join(artifactsFolder, name), text)
  console.log(`wrote ${artifacts.size} artifacts`)
}

// What differs between the committed artifact and the fresh one, in words.
function explain(name, committedText, freshText) {
  try {
    const committed = JSON.parse(committedText)
    const fresh = JSON.parse(freshText)
    const members = Object.keys({ ...committed, ...fresh }).filter(
      (key) => JSON.stringify(committed[key]) !== JSON.stringify(fresh[key]),
    )
    return `artifacts/${name}: ${members.join(', ') || 'layout of the file'} differs from what the sources give`
  } catch (error) {
    return `artifacts/${name}: not JSON (${error.message})`
  }
}

function check(artifacts) {
  const committed = new Set(committedNames())
  const differences = []
  for (const [name, text] of artifacts) {
    if (!committed.delete(name)) {
      differences.push(`artifacts/${name}: missing`)
      continue
    }
    const committedText = readFileSync(join(artifactsFolder, name), 'utf8')
    if (committedText !== text) differences.push(explain(name, committedText, text))
  }
  for (const name of committed) differences.push(`artifacts/${name}: no source makes it`)
  if (differences.length === 0) return console.log(`${artifacts.size} artifacts agree with the sources`)
  console.error(`${differences.join('\n')}\nrun: node compile.mjs`)
  process.exitCode = 1
}

function main(args) {
  if (args.length > 1 || (args.length === 1 && args[0] !== '--check')) {
    console.error('usage: node compile.mjs [--check]')
    process.exitCode = 2
    return
  }
  const artifacts = makeArtifacts()
  if (args[0] === '--check') check(artifacts)
  else write(artifacts)
}

try {
  main(process.argv.slice(2))
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
