<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!--
  The manual of every element, made from the schemas themselves:
    xsltproc reference.xsl xsd/1/message.xsd >reference.html
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" exclude-result-prefixes="xs">
  <xsl:output method="html" encoding="UTF-8" indent="yes" doctype-system="about:legacy-compat"/>

  <!-- The schema with everything that it includes, three levels deep. -->
  <xsl:variable name="level1" select="/ | document(/xs:schema/xs:include/@schemaLocation)"/>
  <xsl:variable name="level2"
      select="$level1 | document($level1/xs:schema/xs:include/@schemaLocation)"/>
  <xsl:variable name="files" select="$level2 | document($level2/xs:schema/xs:include/@schemaLocation)"/>
  <xsl:variable name="message" select="$files/xs:schema/xs:complexType | $files/xs:schema/xs:simpleType"/>
  <xsl:variable name="trust-file" select="document('xsd/trust/1/trust-list.xsd')"/>
  <xsl:variable name="trust"
      select="$trust-file/xs:schema/xs:complexType | $trust-file/xs:schema/xs:simpleType"/>
  <!-- Types that many sections share have a table of their own instead of being repeated. -->
  <xsl:variable name="shared" select="document('xsd/1/places.xsd')/xs:schema/xs:complexType"/>

  <xsl:template match="/">
    <html lang="en">
      <head>
        <meta charset="UTF-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <title>Reeve messages: reference</title>
        <style>
          body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1rem;
            color: #1b1f24; background: #fff }
          table { border-collapse: collapse; width: 100%; margin: .5rem 0 2rem }
          th, td { border-bottom: 1px solid #d0d7de; padding: .3rem .6rem; text-align: left;
            vertical-align: top }
          th { background: #f2f4f7 }
          td:first-child { white-space: nowrap }
          code { font-family: ui-monospace, monospace; font-size: .92em; overflow-wrap: anywhere }
          .occurs { white-space: nowrap }
          .many { color: #9a3412 }
          .lists { color: #57606a }
          a { color: #0b57a4 }
          nav ul { columns: 3 14rem }
          h2 { border-top: 3px solid #d0d7de; padding-top: 1rem; margin-top: 3rem }
          @media (prefers-color-scheme: dark) {
            body { background: #16191d; color: #dde3ea }
            th { background: #22272e }
            th, td, h2 { border-color: #3a424c }
            a { color: #79b8ff }
            .many { color: #f0a875 }
            .lists { color: #9aa5b1 }
          }
          @media print { body { font-size: 10px; max-width: none } nav { display: none } }
        </style>
      </head>
      <body>
        <h1>Reeve messages: reference</h1>
        <p>
          Every element of a message and of a trust list, made from the schemas. The column
          <em>occurs</em> tells how often an element may stand: 1 means it must. The order is the
          order of the document. What a kind needs beyond the schema is told by the rules
          (<code>reeve check</code>).
        </p>
        <xsl:call-template name="contents"/>
        <h2 id="kinds">Kinds of messages</h2>
        <xsl:apply-templates select="$message[@name = 'KindCodeType']" mode="values"/>
        <h2 id="message">Message</h2>
        <p>Namespace <code><xsl:value-of select="xs:schema/@targetNamespace"/></code>.
        <xsl:value-of select="normalize-space($message[@name = 'MessageType']/xs:annotation/xs:documentation)"/></p>
        <table>
          <tr><th>section</th><th>occurs</th><th>meaning</th></tr>
          <xsl:for-each select="$message[@name = 'MessageType']/xs:sequence/xs:element">
            <tr>
              <td>
                <xsl:choose>
                  <xsl:when test="@name"><a href="#{@name}"><code><xsl:value-of select="@name"/></code></a></xsl:when>
                  <xsl:otherwise><code><xsl:value-of select="@ref"/></code></xsl:otherwise>
                </xsl:choose>
              </td>
              <xsl:call-template name="occurs"/>
              <td><xsl:value-of select="normalize-space(xs:annotation/xs:documentation)"/></td>
            </tr>
          </xsl:for-each>
        </table>
        <xsl:for-each select="$message[@name = 'MessageType']/xs:sequence/xs:element[@name]">
          <h3 id="{@name}"><xsl:value-of select="@name"/></h3>
          <xsl:apply-templates select="$message[@name = current()/@type]" mode="table">
            <xsl:with-param name="types" select="$message"/>
          </xsl:apply-templates>
        </xsl:for-each>
        <h2 id="shared">Parts that sections share</h2>
        <xsl:for-each select="$shared">
          <h3 id="type-{@name}"><xsl:value-of select="substring-before(concat(@name, '#'), 'Type#')"/></h3>
          <xsl:apply-templates select="." mode="table">
            <xsl:with-param name="types" select="$message"/>
          </xsl:apply-templates>
        </xsl:for-each>
        <h2 id="values">Values</h2>
        <table>
          <tr><th>value</th><th>form</th><th>meaning</th></tr>
          <xsl:for-each select="$message[self::xs:simpleType][not(.//xs:enumeration)]">
            <xsl:sort select="@name"/>
            <tr id="value-{@name}">
              <td><xsl:value-of select="substring-before(concat(@name, '#'), 'Type#')"/></td>
              <td>
                <xsl:apply-templates select="." mode="form">
                  <xsl:with-param name="types" select="$message"/>
                </xsl:apply-templates>
              </td>
              <td><xsl:call-template name="meaning"/></td>
            </tr>
          </xsl:for-each>
        </table>
        <h2 id="trust-list">Trust list</h2>
        <p>Namespace <code><xsl:value-of select="$trust-file/xs:schema/@targetNamespace"/></code>.
        The root <code>TrustList</code> has one <code>List</code> and the signatures over it.</p>
        <xsl:apply-templates select="$trust[@name = 'ListType']" mode="table">
          <xsl:with-param name="types" select="$trust"/>
        </xsl:apply-templates>
        <h2 id="closed-lists">Closed code lists</h2>
        <p>These values are part of the schema. All other codes come from the lists in the folder
        <code>codes</code>, whose <code>README.md</code> tells source and edition.</p>
        <xsl:for-each select="$message[self::xs:simpleType][.//xs:enumeration]">
          <xsl:sort select="xs:annotation/xs:appinfo"/>
          <h3 id="list-{xs:annotation/xs:appinfo}"><xsl:value-of select="xs:annotation/xs:appinfo"/></h3>
          <xsl:apply-templates select="." mode="values"/>
        </xsl:for-each>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="contents">
    <nav>
      <ul>
        <li><a href="#kinds">Kinds of messages</a></li>
        <li><a href="#message">Message</a></li>
        <xsl:for-each select="$message[@name = 'MessageType']/xs:sequence/xs:element[@name]">
          <li><a href="#{@name}"><xsl:value-of select="@name"/></a></li>
        </xsl:for-each>
        <li><a href="#shared">Parts that sections share</a></li>
        <li><a href="#values">Values</a></li>
        <li><a href="#trust-list">Trust list</a></li>
        <li><a href="#closed-lists">Closed code lists</a></li>
      </ul>
    </nav>
  </xsl:template>

  <!-- The values of a closed list. -->
  <xsl:template match="xs:simpleType" mode="values">
    <p><xsl:value-of select="normalize-space(xs:annotation/xs:documentation)"/></p>
    <table>
      <tr><th>code</th><th>meaning</th></tr>
      <xsl:for-each select="xs:restriction/xs:enumeration">
        <tr>
          <td><code><xsl:value-of select="@value"/></code></td>
          <td><xsl:value-of select="normalize-space(xs:annotation/xs:documentation)"/></td>
        </tr>
      </xsl:for-each>
    </table>
  </xsl:template>

  <!-- A complex type with everything below it, one row an element or attribute. -->
  <xsl:template match="xs:complexType" mode="table">
    <xsl:param name="types"/>
    <p><xsl:value-of select="normalize-space(xs:annotation/xs:documentation)"/></p>
    <table>
      <tr><th>element</th><th>occurs</th><th>value</th><th>meaning</th></tr>
      <xsl:apply-templates select="." mode="rows">
        <xsl:with-param name="types" select="$types"/>
        <xsl:with-param name="depth" select="0"/>
      </xsl:apply-templates>
    </table>
  </xsl:template>

  <xsl:template match="xs:simpleType" mode="rows"/>

  <xsl:template match="xs:complexType" mode="rows">
    <xsl:param name="types"/>
    <xsl:param name="depth"/>
    <xsl:variable name="attributes" select=".//xs:attribute[not(ancestor::xs:sequence)] |
      document('xsd/1/types.xsd')/xs:schema/xs:attributeGroup[@name = current()/xs:attributeGroup/@ref]/xs:attribute"/>
    <xsl:for-each select="$attributes[not(@ref = 'xml:lang') or @use = 'required']">
      <tr>
        <td style="padding-left: {$depth * 1.5 + 0.6}em"><code>@<xsl:value-of select="@name | @ref"/></code></td>
        <td class="occurs">
          <xsl:choose>
            <xsl:when test="@use = 'required'">1</xsl:when>
            <xsl:otherwise>0..1</xsl:otherwise>
          </xsl:choose>
        </td>
        <td>
          <xsl:choose>
            <xsl:when test="xs:simpleType"><xsl:apply-templates select="xs:simpleType" mode="value">
              <xsl:with-param name="types" select="$types"/>
            </xsl:apply-templates></xsl:when>
            <xsl:when test="@ref">language tag</xsl:when>
            <xsl:otherwise>
              <xsl:call-template name="value">
                <xsl:with-param name="name" select="@type"/>
                <xsl:with-param name="types" select="$types"/>
              </xsl:call-template>
            </xsl:otherwise>
          </xsl:choose>
        </td>
        <td><xsl:call-template name="meaning"/></td>
      </tr>
    </xsl:for-each>
    <xsl:for-each select="xs:sequence//xs:element | xs:choice//xs:element">
      <xsl:variable name="type" select="$types[@name = current()/@type]"/>
      <xsl:variable name="elsewhere" select="count($shared[generate-id() = generate-id($type)]) = 1"/>
      <tr>
        <td style="padding-left: {$depth * 1.5 + 0.6}em"><code><xsl:value-of select="@name"/></code></td>
        <xsl:call-template name="occurs"/>
        <td>
          <xsl:choose>
            <xsl:when test="$elsewhere">
              <a href="#type-{@type}"><xsl:value-of select="substring-before(concat(@type, '#'), 'Type#')"/></a>
            </xsl:when>
            <xsl:otherwise>
              <xsl:call-template name="value">
                <xsl:with-param name="name" select="@type"/>
                <xsl:with-param name="types" select="$types"/>
              </xsl:call-template>
            </xsl:otherwise>
          </xsl:choose>
        </td>
        <td>
          <xsl:call-template name="meaning"/>
          <xsl:if test="$type//xs:attribute[@ref = 'xml:lang'][not(@use)]">
            <span class="lists"> May carry <code>xml:lang</code>.</span>
          </xsl:if>
          <xsl:if test="parent::xs:choice"><em> One of these, not both.</em></xsl:if>
        </td>
      </tr>
      <xsl:if test="not($elsewhere)">
        <xsl:apply-templates select="$type" mode="rows">
          <xsl:with-param name="types" select="$types"/>
          <xsl:with-param name="depth" select="$depth + 1"/>
        </xsl:apply-templates>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="occurs">
    <xsl:variable name="most" select="concat(@maxOccurs, substring('1', 1 + string-length(@maxOccurs)))"/>
    <td class="occurs">
      <xsl:if test="$most != '1'"><xsl:attribute name="class">occurs many</xsl:attribute></xsl:if>
      <xsl:choose>
        <xsl:when test="@minOccurs = '0'">0..<xsl:value-of select="$most"/></xsl:when>
        <xsl:when test="$most != '1'">1..<xsl:value-of select="$most"/></xsl:when>
        <xsl:otherwise>1</xsl:otherwise>
      </xsl:choose>
    </td>
  </xsl:template>

  <!-- The documentation, and the open list that the value comes from. -->
  <xsl:template name="meaning">
    <xsl:value-of select="normalize-space(xs:annotation/xs:documentation)"/>
    <xsl:if test="xs:annotation/xs:appinfo">
      <span class="lists"> List: <code><xsl:value-of select="xs:annotation/xs:appinfo"/></code>.</span>
    </xsl:if>
  </xsl:template>

  <!-- What a value looks like, by the name of its type. -->
  <xsl:template name="value">
    <xsl:param name="name"/>
    <xsl:param name="types"/>
    <xsl:variable name="type" select="$types[@name = $name]"/>
    <xsl:choose>
      <xsl:when test="starts-with($name, 'xs:')">
        <xsl:value-of select="substring-after($name, 'xs:')"/>
      </xsl:when>
      <xsl:when test="$type/xs:simpleContent">
        <xsl:call-template name="value">
          <xsl:with-param name="name" select="$type/xs:simpleContent/xs:extension/@base"/>
          <xsl:with-param name="types" select="$types"/>
        </xsl:call-template>
      </xsl:when>
      <xsl:otherwise>
        <xsl:apply-templates select="$type" mode="value">
          <xsl:with-param name="types" select="$types"/>
        </xsl:apply-templates>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="xs:complexType" mode="value"/>

  <xsl:template match="xs:simpleType" mode="value">
    <xsl:param name="types"/>
    <xsl:variable name="facets" select="xs:restriction"/>
    <xsl:choose>
      <xsl:when test="xs:annotation/xs:appinfo and $facets/xs:enumeration">
        code of <a href="#list-{xs:annotation/xs:appinfo}"><xsl:value-of select="xs:annotation/xs:appinfo"/></a>
      </xsl:when>
      <xsl:when test="$facets/xs:enumeration">
        <xsl:for-each select="$facets/xs:enumeration">
          <xsl:if test="position() &gt; 1">, </xsl:if>
          <code><xsl:value-of select="@value"/></code>
        </xsl:for-each>
      </xsl:when>
      <xsl:when test="count(. | $message) = count($message)">
        <a href="#value-{@name}"><xsl:value-of select="substring-before(concat(@name, '#'), 'Type#')"/></a>
      </xsl:when>
      <xsl:otherwise>
        <xsl:apply-templates select="." mode="form">
          <xsl:with-param name="types" select="$types"/>
        </xsl:apply-templates>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- The base and the limits of a value. -->
  <xsl:template match="xs:simpleType" mode="form">
    <xsl:param name="types"/>
    <xsl:variable name="facets" select="xs:restriction"/>
    <xsl:call-template name="value">
      <xsl:with-param name="name" select="$facets/@base"/>
      <xsl:with-param name="types" select="$types"/>
    </xsl:call-template>
    <xsl:if test="$facets/xs:minInclusive">
      <xsl:text>, from </xsl:text><xsl:value-of select="$facets/xs:minInclusive/@value"/>
    </xsl:if>
    <xsl:if test="$facets/xs:maxInclusive">
      <xsl:text> to </xsl:text><xsl:value-of select="$facets/xs:maxInclusive/@value"/>
    </xsl:if>
    <xsl:if test="$facets/xs:totalDigits">
      <xsl:text>, </xsl:text><xsl:value-of select="$facets/xs:totalDigits/@value"/>
      <xsl:text> digits at most</xsl:text>
    </xsl:if>
    <xsl:if test="$facets/xs:fractionDigits">
      <xsl:text>, </xsl:text><xsl:value-of select="$facets/xs:fractionDigits/@value"/>
      <xsl:text> of them after the point</xsl:text>
    </xsl:if>
    <xsl:if test="$facets/xs:maxLength">
      <xsl:text>, length </xsl:text><xsl:value-of select="$facets/xs:minLength/@value"/>
      <xsl:if test="not($facets/xs:minLength)">0</xsl:if>
      <xsl:text> to </xsl:text><xsl:value-of select="$facets/xs:maxLength/@value"/>
    </xsl:if>
    <xsl:if test="$facets/xs:pattern">
      <xsl:text> </xsl:text><code><xsl:value-of select="$facets/xs:pattern/@value"/></code>
    </xsl:if>
  </xsl:template>
</xsl:stylesheet>
