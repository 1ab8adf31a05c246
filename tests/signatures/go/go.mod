module saker/signatures

go 1.21
