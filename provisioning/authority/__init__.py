"""Our own certificate authority: who is who between boxes, brokers and central.

    root --- nodes     --- a certificate for each box, to log in to brokers with
         \\-- services  --- the brokers, the provisioning endpoint, and central's own log-ins

Boxes know the root by its fingerprint, which is part of their claim. Only the provisioning process
opens the keys; the console does not, so whoever breaks into it can make no certificate.
"""
