#!/bin/sh
# SPDX-License-Identifier: MIT
# dkim_keys.sh DIR: the keys of the crypto, DKIM and OAuth tests, made on the spot, and records.txt with the
# DNS records of those that sign: one "name value" a line.
set -eu
cd "$1"
exec 2>openssl.log
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem
openssl rsa -in rsa.pem -traditional -out rsa-pkcs1.pem
openssl pkcs8 -topk8 -in rsa.pem -passout pass:'open sesame' -out rsa-encrypted.pem
openssl rsa -in rsa.pem -traditional -aes128 -passout pass:'open sesame' -out rsa-pkcs1-encrypted.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa1024.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:768 -out rsa768.pem
openssl genpkey -algorithm ed25519 -out ed25519.pem
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem
openssl pkey -in rsa.pem -pubout -out rsa-public.pem
openssl pkey -in ed25519.pem -pubout -out ed25519-public.pem
openssl req -x509 -key rsa.pem -subj /CN=example.com -days 1 -out certificate.pem
sed '4s/./!/' rsa.pem >damaged.pem
awk '{ printf "%s\\n", $0 }' rsa.pem >one-line.pem
grep -v -e '-----' rsa.pem >bare.pem

base64_of() { openssl pkey -in "$1" -pubout -outform DER | tail -c "$2" | openssl base64 -A; }
{
  for domain in example.com xn--bcher-kva.example a-rather-long-label-for-a-domain.sub.sub2.example.org; do
    echo "rsa._domainkey.$domain v=DKIM1; k=rsa; p=$(base64_of rsa.pem +1)"
    echo "small._domainkey.$domain v=DKIM1; k=rsa; p=$(base64_of rsa1024.pem +1)"
    echo "ed._domainkey.$domain v=DKIM1; k=ed25519; p=$(base64_of ed25519.pem 32)"
  done
} >records.txt
