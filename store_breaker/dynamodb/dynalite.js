// Serves dynalite on a port of 127.0.0.1, given as the argument (0: a free one).
const server = require("dynalite")({ createTableMs: 50, deleteTableMs: 50 })
server.on("error", (error) => {
  console.error(`dynalite: ${error.message}`)
  process.exit(1)
})
server.listen(Number(process.argv[2]), "127.0.0.1", () =>
  console.log(`dynalite: listening on http://127.0.0.1:${server.address().port}`))
