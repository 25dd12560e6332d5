// A query through npm's @tdengine/rest: host and port, then SQL; prints what the client made of the answer.
const { options, connect } = require("@tdengine/rest");

options.path = "/rest/sql";
options.host = process.argv[2];
options.port = Number(process.argv[3]);
options.user = "root";
options.passwd = "taosdata";

connect(options)
    .cursor()
    .query(process.argv[4])
    .then((found) => {
        const made = {
            meta: found.getMeta(),
            data: found.getData(),
            affected: found.getAffectRows(),
            code: found.getErrCode(),
            error: found.getErrStr(),
        };
        console.log(JSON.stringify(made));
    });
